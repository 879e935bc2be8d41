import { measureCrowd } from "./publish-crowd.ts";
import { measureHttp, measureUnheard } from "./publish-http.ts";
import { measureLines } from "./publish-lines.ts";
import type { PublishSizes } from "./publish-sizes.ts";
import type { Report } from "./report.ts";

const figures = { http: measureHttp, lines: measureLines, crowd: measureCrowd };
/** Only when they are asked for. */
const further = { unheard: measureUnheard };

/** How many messages a second go out over HTTP, by form, at QoS 0 and 1. */
export async function measurePublish(sizes: PublishSizes, report: Report): Promise<void> {
  const { only } = sizes;
  for (const [name, measure] of Object.entries({ ...figures, ...further })) {
    for (const qos of [0, 1] as const) {
      const asked = only.includes(name) || only.includes(`${name}${qos}`);
      if (!asked && (only.length > 0 || name in further)) continue;
      await measure(qos, sizes, report);
    }
  }
}
