import type { HistogramView } from "../histogram.ts";
import type { MetricsView } from "./view.ts";

/** One number, and the values of the family's labels, in their order. */
export type Sample = readonly [value: number, ...labels: readonly string[]];

/** The same of a histogram. */
export type HistogramSample = readonly [value: HistogramView, ...labels: readonly string[]];

interface Named {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface NumberFamily<View> extends Named {
  readonly type: "counter" | "gauge";
  readonly read: (view: View) => Iterable<Sample>;
}

export interface HistogramFamily<View> extends Named {
  readonly type: "histogram";
  readonly read: (view: View) => Iterable<HistogramSample>;
}

/** Metrics of one name. The values of its labels are of a bounded set, whatever callers and brokers send. */
export type Family<View = MetricsView> = NumberFamily<View> | HistogramFamily<View>;
