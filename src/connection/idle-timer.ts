/** Open streams and waiting calls, which go on when another connection takes the place of theirs. */
export interface Holders {
  count: number;
}

/**
 * Calls `onIdle` when nothing has touched a connection, and no stream was open on it, for `ttlMs`; and again after as long
 * when it was touched from there.
 */
export class IdleTimer {
  readonly #ttlMs: number;
  readonly #onIdle: () => void;
  readonly #now: () => number;
  readonly #holders: Holders;
  #touchedAt: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(ttlMs: number, holders: Holders, now: () => number, onIdle: () => void) {
    this.#ttlMs = ttlMs;
    this.#holders = holders;
    this.#now = now;
    this.#onIdle = onIdle;
    this.#touchedAt = now();
    this.#arm();
  }

  /** When it would go idle as things are, on the clock that was given; null while something holds it. */
  get expiresAt(): number | null {
    return this.#holders.count > 0 ? null : this.#touchedAt + this.#ttlMs;
  }

  touch(): void {
    this.#touchedAt = this.#now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #isOver(): boolean {
    return this.#holders.count === 0 && this.#now() >= this.#touchedAt + this.#ttlMs;
  }

  /** Touching is frequent and does not move the timer: it looks again when it fires. Timers carry 24 days at most. */
  #arm(): void {
    const left = Math.min(2 ** 31 - 1, this.#touchedAt + this.#ttlMs - this.#now());
    this.#timer = setTimeout(
      () => {
        if (this.#holders.count > 0) this.touch();
        if (this.#isOver()) this.#onIdle();
        if (!this.#isOver()) this.#arm();
      },
      Math.max(1, left),
    );
  }
}
