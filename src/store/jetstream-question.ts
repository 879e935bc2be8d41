import { StoreError } from "./store.ts";

/**
 * A question that many may have at the same time. Whoever asks gets an answer to a question that was put after that; all
 * who ask while one is under way share the one that follows it.
 */
export class SharedQuestion {
  readonly #put: () => Promise<void>;
  readonly #everyMs: number;
  #putAt = -Infinity;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  /** `put` is called one at a time, and not more often than this. */
  constructor(put: () => Promise<void>, everyMs: number) {
    this.#put = put;
    this.#everyMs = everyMs;
  }

  /** @throws what `put` does, and {@link StoreError} `unavailable` when the signal aborts before */
  ask(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(late());
    const answer = (this.#next ??= this.#follow());
    return signal === undefined ? answer : unlessAborted(answer, signal);
  }

  async #follow(): Promise<void> {
    await this.#running.catch(() => {});
    const waitMs = this.#putAt + this.#everyMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#putAt = performance.now();
    this.#next = null;
    this.#running = this.#put();
    return this.#running;
  }
}

function unlessAborted(answer: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(late());
    signal.addEventListener("abort", onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function late(): StoreError {
  return new StoreError("unavailable", "The store has not answered in time");
}
