/** What a histogram has seen, as it is read. */
export interface HistogramView {
  /** Upper bounds, inclusive, ascending; what is above the last one counts in the total alone. */
  readonly bounds: readonly number[];
  /** Of each bound, those that are not within the one before. */
  readonly counts: Readonly<Float64Array>;
  readonly count: number;
  readonly sum: number;
}

/**
 * Counts values by size: an addition or three to one of a few numbers, so that it may stand where messages pass. Those of
 * a part count in the whole, too, which has the same bounds.
 */
export class Histogram implements HistogramView {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  readonly #within: Histogram | null;
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[], within: Histogram | null = null) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length);
    this.#within = within;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    const { bounds } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? Infinity)) index += 1;
    this.#add(index, value);
  }

  #add(index: number, value: number): void {
    // Beyond the last bound this changes nothing.
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    if (this.#within !== null) this.#within.#add(index, value);
  }
}
