import type { Logger } from "../log.ts";
import type { Tracing } from "./tracing.ts";

interface Collector {
  readonly otlpEndpoint: string | null;
}

/** Null where no collector is set: then nothing of this is loaded, and a call pays nothing for it. */
export async function openTracing(
  { otlpEndpoint }: Collector,
  version: string,
  logger: Logger,
): Promise<Tracing | null> {
  if (otlpEndpoint === null) return null;
  const { startTracing } = await import("./tracing.ts");
  return startTracing(otlpEndpoint, version, logger);
}
