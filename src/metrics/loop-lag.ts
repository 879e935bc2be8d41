import { Histogram } from "../histogram.ts";

const everyMs = 500;

/** How late timers are: what a call waits in the process before anything is done for it. */
export class LoopLag implements Disposable {
  readonly seconds = new Histogram([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]);
  readonly #timer: ReturnType<typeof setInterval>;

  /** `now` is a monotonic clock, in milliseconds. It must not keep the process from ending. */
  constructor(now: () => number) {
    let due = now() + everyMs;
    this.#timer = setInterval(() => {
      const at = now();
      // Timers are a little early now and then.
      this.seconds.observe(Math.max(0, at - due) / 1_000);
      due = at + everyMs;
    }, everyMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
