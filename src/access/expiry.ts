import type { Tenure } from "./tenure.ts";

/** Rights that run out end so much later at most. */
const sweepMs = 500;

/**
 * Ends tenures when their time has come, by one timer for all. The wall clock is looked at each time: it may be set, and
 * a timer would not hear of it.
 */
export class Expiry implements Disposable {
  readonly #wall: () => number;
  readonly #ends = new Map<Tenure, number>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** When a tenure runs out; null where it does not. */
  endOf(tenure: Tenure): number | null {
    return this.#ends.get(tenure) ?? null;
  }

  /** Ends `tenure` at this time, unless it is over before. */
  add(tenure: Tenure, at: number): void {
    this.#ends.set(tenure, at);
    this.#timer ??= setInterval(() => this.#sweep(), sweepMs).unref();
  }

  delete(tenure: Tenure): void {
    this.#ends.delete(tenure);
    if (this.#ends.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = this.#wall();
    for (const [tenure, at] of this.#ends) {
      if (tenure.isOver || at <= now) {
        this.delete(tenure);
        tenure.end();
      }
    }
  }
}
