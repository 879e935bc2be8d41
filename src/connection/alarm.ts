import type { Clock } from "../clock.ts";

/** One point of time to be told of; a later one takes its place. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onTime: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(clock: Clock, onTime: () => void) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  /** `at` is in epoch milliseconds. */
  set(at: number): void {
    this.clear();
    this.#timer = setTimeout(this.#onTime, Math.max(0, at - this.#clock.wall()));
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
