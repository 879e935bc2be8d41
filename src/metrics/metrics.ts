import { Counter, Gauge, Registry } from "@prometheus-io/client";
import type { Family, HistogramFamily, HistogramSample, NumberFamily, Sample } from "./family.ts";
import type { MetricsView } from "./view.ts";

/** Metrics in the text form of Prometheus. Nothing is kept for them: they are read when somebody asks. */
export class Metrics<View = MetricsView> {
  /** Of the text. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #families: readonly Family<View>[];

  constructor(families: readonly Family<View>[]) {
    this.#families = families;
  }

  async text(view: View): Promise<string> {
    const registry = new Registry();
    const histograms: string[] = [];
    for (const family of this.#families) {
      if (family.type === "histogram") {
        const samples = [...family.read(view)];
        if (samples.length > 0) histograms.push(histogramText(family, samples));
      } else {
        const samples = [...family.read(view)];
        if (samples.length > 0) register(registry, family, samples);
      }
    }
    return [(await registry.metrics()).trimEnd(), ...histograms, ""].join("\n");
  }
}

function register(
  registry: Registry,
  { name, type, help, labels }: Omit<NumberFamily<never>, "read">,
  samples: readonly Sample[],
): void {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  const metric = type === "counter" ? new Counter(options) : new Gauge(options);
  for (const [value, ...values] of samples)
    metric.inc(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""])), value);
}

/** By hand: the library's histograms count by themselves. The values of labels are ours, and need no escaping. */
function histogramText(
  { name, help, labels }: Omit<HistogramFamily<never>, "read">,
  samples: readonly HistogramSample[],
): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const [{ bounds, counts, count, sum }, ...values] of samples) {
    const own = labels.map((label, index) => `${label}="${values[index] ?? ""}"`);
    const line = (suffix: string, more: readonly string[], value: number) => {
      const all = [...own, ...more];
      lines.push(`${name}_${suffix}${all.length === 0 ? "" : `{${all.join(",")}}`} ${value}`);
    };
    let within = 0;
    for (const [index, bound] of bounds.entries()) {
      within += counts[index] ?? 0;
      line("bucket", [`le="${bound}"`], within);
    }
    line("bucket", ['le="+Inf"'], count);
    line("sum", [], sum);
    line("count", [], count);
  }
  return lines.join("\n");
}
