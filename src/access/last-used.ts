import type { Logger } from "../log.ts";
import { StoreError } from "../store/store.ts";

/** A token's use is written so often at most. */
const writeEveryMs = 60_000;
const mostAtOnce = 1_000;

/** Something that was used. */
export interface Used {
  readonly id: string;
  readonly lastUsedAt: number | null;
}

/**
 * Writes when tokens were used last, many together and long after the call: no call waits for it, and none fails for it.
 * What a crash takes away is a minute.
 */
export class LastUsed {
  readonly #write: (uses: readonly Used[]) => Promise<unknown>;
  readonly #logger: Logger;
  readonly #waiting = new Set<Used>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failing = false;

  constructor(write: (uses: readonly Used[]) => Promise<unknown>, logger: Logger) {
    this.#write = write;
    this.#logger = logger;
  }

  note(used: Used): void {
    this.#waiting.add(used);
    this.#timer ??= setTimeout(() => void this.flush(), writeEveryMs).unref();
  }

  /** It is gone, and nothing of it is to be written. */
  forget(used: Used): void {
    this.#waiting.delete(used);
  }

  /** Writes what there is; never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (let start = 0; start < all.length; start += mostAtOnce) {
      try {
        await this.#write(all.slice(start, start + mostAtOnce));
        this.#failing = false;
      } catch (error) {
        // What is not written now comes with the next use: nothing is kept for later, which might never be.
        if (!this.#failing)
          this.#logger.warn("the last uses of tokens cannot be written", { reason: reasonOf(error) });
        this.#failing = true;
        return;
      }
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof StoreError ? error.kind : String(error);
}
