/** Lets so many jobs run at a time, and begins no two of them within some time; the others wait in their order. */
export class Turns {
  readonly #most: number;
  readonly #apartMs: number;
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #begunAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(most: number, apartMs: number, now: () => number) {
    this.#most = most;
    this.#apartMs = apartMs;
    this.#now = now;
  }

  /** A job whose signal aborts does not wait: it runs at once, and takes nobody's turn. */
  async run<T>(job: () => Promise<T>, atOnce?: AbortSignal): Promise<T> {
    if (!(await this.#turn(atOnce))) return job();
    try {
      return await job();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  /** Whether it is its turn; false where that is not waited for. */
  #turn(atOnce?: AbortSignal): Promise<boolean> {
    if (atOnce?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const begin = () => {
        atOnce?.removeEventListener("abort", skip);
        resolve(true);
      };
      const skip = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        resolve(false);
      };
      atOnce?.addEventListener("abort", skip, { once: true });
      this.#waiting.push(begin);
      this.#next();
    });
  }

  #next(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0 || this.#running >= this.#most) return;
    const wait = this.#begunAt + this.#apartMs - this.#now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#next(), wait);
      return;
    }
    this.#running += 1;
    this.#begunAt = this.#now();
    this.#waiting.shift()?.();
    this.#next();
  }
}
