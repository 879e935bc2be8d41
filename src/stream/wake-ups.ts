import type { LogBounds } from "./log.ts";

/** Why readers are woken: a turn of the event loop is over; or so much came in one that some of it is soon gone. */
export type WakeCause = "turn" | "burst";

/**
 * Wakes the readers of a log once for all that came in a turn of the event loop: what arrives in one read of a socket is
 * one write to each reader. When it comes to half of what the log keeps, they are woken at once, so that the other half
 * is still there for a reader that keeps up.
 */
export class WakeUps {
  readonly #most: LogBounds;
  readonly #readers = new Set<(cause: WakeCause) => void>();
  #turn: ReturnType<typeof setImmediate> | undefined;
  /** What came since the last call. */
  #entries = 0;
  #bytes = 0;

  constructor(bounds: LogBounds) {
    this.#most = bounds;
  }

  /** Calls `wake` from now on, until the returned function is called. */
  add(wake: (cause: WakeCause) => void): () => void {
    this.#readers.add(wake);
    return () => {
      this.#readers.delete(wake);
      if (this.#readers.size === 0) this.#reset();
    };
  }

  /** To be called before an entry goes in: one so large would push out what the readers have not been told of. */
  before(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#most.maxBytes) this.call("burst");
  }

  /** To be called when it is in. */
  after(bytes: number): void {
    if (this.#readers.size === 0) return;
    this.#entries += 1;
    this.#bytes += bytes;
    if (this.#entries * 2 >= this.#most.maxEntries || this.#bytes * 2 >= this.#most.maxBytes)
      this.call("burst");
    else this.#turn ??= setImmediate(() => this.call("turn"));
  }

  call(cause: WakeCause): void {
    this.#reset();
    for (const wake of this.#readers) wake(cause);
  }

  #reset(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#entries = 0;
    this.#bytes = 0;
  }
}
