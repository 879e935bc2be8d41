import { Counter, Gauge, Registry } from "@prometheus-io/client";
import type { Family, Sample } from "./families.ts";
import type { MetricsView } from "./view.ts";

/** Metrics in the text form of Prometheus. Nothing is kept for them: they are read when somebody asks. */
export class Metrics<View = MetricsView> {
  /** Of the text. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #families: readonly Family<View>[];

  constructor(families: readonly Family<View>[]) {
    this.#families = families;
  }

  text(view: View): Promise<string> {
    const registry = new Registry();
    for (const family of this.#families) {
      const samples = [...family.read(view)];
      if (samples.length > 0) register(registry, family, samples);
    }
    return registry.metrics();
  }
}

function register(
  registry: Registry,
  { name, type, help, labels }: Omit<Family, "read">,
  samples: readonly Sample[],
): void {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  const metric = type === "counter" ? new Counter(options) : new Gauge(options);
  for (const [value, ...values] of samples)
    metric.inc(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""])), value);
}
