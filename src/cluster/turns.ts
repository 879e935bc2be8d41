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

  async run<T>(job: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#next();
    });
    try {
      return await job();
    } finally {
      this.#running -= 1;
      this.#next();
    }
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
