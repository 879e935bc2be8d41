import { answered } from "../store/answered.ts";
import { StoreError, type Change, type Lease, type Store } from "../store/store.ts";

export interface PassWriterDeps {
  readonly store: Pick<Store, "commit">;
  readonly lease: Lease;
}

const mostAtOnce = 1_000;
const retryMs = 5_000;

/** Writes passes, and lets go of them, many together: a token's end is that of all its passes. */
export class PassWriter {
  readonly #deps: PassWriterDeps;
  /** By what is to be deleted. */
  readonly #gone = new Map<string, readonly Change[]>();
  #flushing: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(deps: PassWriterDeps) {
    this.#deps = deps;
  }

  /** @throws {StoreError} */
  async put(space: string, key: string, value: string): Promise<void> {
    await this.#commit([{ type: "put", space, key, value }]);
  }

  /** Deletes a record, `along` with others; tried again by itself where that fails. @throws {StoreError} */
  delete(space: string, key: string, along: readonly Change[]): Promise<void> {
    this.#gone.set(`${space}/${key}`, [{ type: "delete", space, key }, ...along]);
    return this.#flushSoon();
  }

  /** Writes what there is, once more; never rejects. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#flushing?.catch(() => {});
    await this.#flushSoon().catch(() => {});
  }

  #flushSoon(): Promise<void> {
    return (this.#flushing ??= Promise.resolve().then(() => this.#flush()));
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      while (this.#gone.size > 0) {
        const some = [...this.#gone].slice(0, mostAtOnce);
        for (const [key] of some) this.#gone.delete(key);
        await this.#commit(some.flatMap(([, changes]) => changes)).catch((error: unknown) => {
          this.#again(some, error);
          throw error;
        });
      }
    } finally {
      this.#flushing = null;
    }
  }

  #again(some: readonly (readonly [string, readonly Change[]])[], error: unknown): void {
    // Whoever writes now does it.
    if (error instanceof StoreError && error.kind === "fenced") return;
    for (const [key, changes] of some) this.#gone.set(key, changes);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#flushSoon().catch(() => {}), retryMs).unref();
  }

  #commit(changes: readonly Change[]): Promise<unknown> {
    const { store, lease } = this.#deps;
    return answered(store.commit(lease, changes));
  }
}
