// @ts-check
/** @import { View } from "./model.ts" */

/** Samples of each connection, and of the sum; a minute, where there are few connections. */
const most = 30;
/** Counts that are nearer to each other tell more of chance than of traffic. */
const leastSeconds = 0.9;

/** Messages a second, the newest last. @typedef {{ readonly in: readonly number[], readonly out: readonly number[] }} Series */

/** @type {Series} */
const empty = Object.freeze({ in: Object.freeze([]), out: Object.freeze([]) });

/** How much has gone through lately, by what was counted from one look at all connections to the next. */
export class History {
  /** Grows with each sample, so that what is drawn of one is drawn once. */
  version = 0;
  /** @type {Series} */
  total = empty;
  /** @type {Map<string, Series>} */
  #series = new Map();
  /** @type {Map<string, { in: number, out: number }>} */
  #counted = new Map();
  #countedAt = 0;

  /** @param {string} id */
  of(id) {
    return this.#series.get(id) ?? empty;
  }

  /** Takes the counters of now. Those of a connection that was not there before bring a past along. @param {ReadonlyMap<string, View>} views */
  take(views) {
    const now = performance.now();
    const seconds = (now - this.#countedAt) / 1_000;
    if (this.#countedAt > 0 && seconds < leastSeconds) return;
    const counted = new Map([...views].map(([id, { counters }]) => [id, countOf(counters)]));
    if (this.#countedAt > 0) this.#sample(counted, seconds);
    this.#countedAt = now;
    this.#counted = counted;
  }

  /** @param {ReadonlyMap<string, { in: number, out: number }>} counted @param {number} seconds */
  #sample(counted, seconds) {
    const sum = { in: 0, out: 0 };
    /** @type {Map<string, Series>} */
    const series = new Map();
    for (const [id, count] of counted) {
      const before = this.#counted.get(id) ?? count;
      const rates = {
        in: Math.max(0, count.in - before.in) / seconds,
        out: Math.max(0, count.out - before.out) / seconds,
      };
      sum.in += rates.in;
      sum.out += rates.out;
      series.set(id, grown(this.of(id), rates));
    }
    this.#series = series;
    this.total = grown(this.total, sum);
    this.version += 1;
  }

  clear() {
    this.total = empty;
    this.#series.clear();
    this.#counted.clear();
    this.#countedAt = 0;
  }
}

/** @param {Readonly<Record<string, number>>} counters */
function countOf(counters) {
  return { in: counters["messagesIn"] ?? 0, out: counters["messagesOut"] ?? 0 };
}

/** @param {Series} series @param {{ in: number, out: number }} rates @returns {Series} */
function grown(series, rates) {
  return {
    in: [...series.in, rates.in].slice(-most),
    out: [...series.out, rates.out].slice(-most),
  };
}
