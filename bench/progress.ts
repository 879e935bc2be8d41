import { now } from "./wire.ts";

/** How many have come, and when the last did. */
export interface Reached {
  readonly count: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Nothing more is coming, when nothing has come for so long. */
const quietMs = 2_000;

/** Counts what comes, for somebody who waits for a number of it. */
export class Progress {
  count = 0;
  #at = 0;
  #target = Infinity;
  #wake: (() => void) | null = null;

  add(some: number): void {
    this.count += some;
    this.#at = now();
    if (this.count >= this.#target) this.#wake?.();
  }

  /** Resolves when so many have come, or no more do. */
  async reached(target: number): Promise<Reached> {
    if (this.count < target) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#target = target;
      this.#wake = resolve;
      let seen = this.count;
      const timer = setInterval(() => {
        if (this.count === seen) resolve();
        seen = this.count;
      }, quietMs);
      await promise;
      clearInterval(timer);
      this.#target = Infinity;
    }
    return { count: this.count, at: this.#at };
  }
}
