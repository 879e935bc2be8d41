import { Problem } from "../problem.ts";

/** Reads a body, whole. */
export type Reading<T> = () => Promise<T>;

export interface BodyTimesOptions {
  readonly timeoutMs: number;
  readonly sweepMs: number;
  readonly now: () => number;
}

/** Whose body is being read. */
interface Reader {
  holdOpen(): unknown;
}

/** A body that is being read. */
interface Open {
  readonly dueAt: number;
  /** Held open at the first sweep that still finds it. */
  reader: Reader | null;
  readonly expire: (error: Problem) => void;
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
   * nobody's then. The reader is held open when the body has not come by the next sweep.
   */
  within<T>(reading: Reading<T>, reader: Reader): Promise<T> {
    const { now, timeoutMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const open: Open = { dueAt: now() + timeoutMs, reader, expire: reject };
    this.#open.add(open);
    const come = (value: T): void => {
      this.#open.delete(open);
      resolve(value);
    };
    const fail = (error: unknown): void => {
      this.#open.delete(open);
      reject(error);
    };
    void reading().then(come, fail);
    return promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const now = this.#options.now();
    for (const open of this.#open) {
      open.reader?.holdOpen();
      open.reader = null;
      if (now < open.dueAt) continue;
      this.#open.delete(open);
      open.expire(tooLate(this.#options.timeoutMs));
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
