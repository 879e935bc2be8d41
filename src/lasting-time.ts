import type { Clock } from "./clock.ts";

/** Two readings of one moment, kept so that the next process can go on from there. */
export interface TimeMark {
  /** The lasting time. */
  readonly at: number;
  /** What the wall clock said. */
  readonly wall: number;
}

const hour = 3_600_000;

/**
 * How much of the time between two processes counts. Whether nobody was there for a day, or the clock was set a day
 * ahead, cannot be told; what is taken for the one must not, when it is the other, make everything a day old at once.
 */
const mostAwayMs = 12 * hour;

/**
 * A time that goes on from one process to the next and never goes back, in milliseconds; at first that of the wall clock.
 * While a process runs, the monotonic clock moves it, so that setting the wall clock, to whatever it may be, moves
 * nothing; the wall clock is asked only how long nobody was there, and is believed from 0 to 12 hours.
 */
export class LastingTime {
  readonly #clock: Clock;
  readonly #ahead: number;

  /** `mark` is the last one of the process before; null when there was none. */
  constructor(mark: TimeMark | null, clock: Clock) {
    const wall = clock.wall();
    const start = mark === null ? wall : mark.at + Math.min(Math.max(wall - mark.wall, 0), mostAwayMs);
    this.#clock = clock;
    this.#ahead = start - clock.monotonic();
  }

  now(): number {
    return this.#ahead + this.#clock.monotonic();
  }

  /** To be kept now and then; what goes by after the last one is counted as though nobody had been there. */
  mark(): TimeMark {
    return { at: this.now(), wall: this.#clock.wall() };
  }
}
