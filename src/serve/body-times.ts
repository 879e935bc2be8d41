import { Problem } from "../problem.ts";

/** Reads a body, whole. */
export type Reading<T> = () => Promise<T>;

export interface BodyTimesOptions {
  readonly timeoutMs: number;
  readonly sweepMs: number;
  readonly now: () => number;
}

/** A body that is being read. */
interface Open {
  readonly dueAt: number;
  /** Called at the first sweep that still finds it. */
  onSlow: (() => void) | null;
  readonly expire: () => void;
}

/** Bounds how long bodies take, whatever trickles in, with one timer for all that are being read. */
export class BodyTimes implements Disposable {
  readonly #options: BodyTimesOptions;
  readonly #open = new Set<Open>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: BodyTimesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweep(), options.sweepMs);
    this.#timer.unref();
  }

  /**
   * Resolves as `reading` does; rejects with `request-timeout` when that takes too long, and whatever still comes is
   * nobody's then. `onSlow` is called when the body has not come by the next sweep.
   */
  within<T>(reading: Reading<T>, onSlow: () => void): Promise<T> {
    const { now, timeoutMs } = this.#options;
    return new Promise<T>((resolve, reject) => {
      const expire = () => reject(tooLate(timeoutMs));
      const open: Open = { dueAt: now() + timeoutMs, onSlow, expire };
      this.#open.add(open);
      const come = (value: T): void => {
        this.#open.delete(open);
        resolve(value);
      };
      const fail = (error: unknown): void => {
        this.#open.delete(open);
        // oxlint-disable-next-line prefer-promise-reject-errors
        reject(error);
      };
      reading().then(come, fail);
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const now = this.#options.now();
    for (const open of this.#open) {
      open.onSlow?.();
      open.onSlow = null;
      if (now < open.dueAt) continue;
      this.#open.delete(open);
      open.expire();
    }
  }
}

function tooLate(timeoutMs: number): Problem {
  const limit = { name: "CONNACK_BODY_TIMEOUT_MS", value: timeoutMs };
  return new Problem("request-timeout", {
    detail: `The body of the request did not come within ${timeoutMs} ms`,
    limit,
  });
}
