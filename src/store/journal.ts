import { StoreError, type Change, type Lease, type Position, type Store } from "./store.ts";

/** What is written, and what happens when it is, with the positions of its appends. */
export interface JournalItem {
  /** A function is asked when it is written, for what depends on how things stand by then. */
  readonly changes: readonly Change[] | (() => readonly Change[]);
  readonly kept: (positions: readonly Position[]) => void;
  /** Called, each time again, when it could not be kept as yet; not where it never will be, since somebody else owns the store. */
  readonly delayed?: () => void;
}

/** What waits for a store at most, while it is full or away. */
const mostWaiting = 10_000;
const mostAtOnce = 256;
/** A store that does not say that it is well again is asked so often. */
const retryMs = 1_000;

/**
 * Writes to a store in order, and does not give up: what happened is told when it is kept, however long that takes.
 * Bounded in what waits.
 */
export class Journal {
  readonly #store: Store;
  readonly #lease: Lease;
  readonly #onTrouble: (error: unknown) => void;
  readonly #unlisten: () => void;
  #waiting: JournalItem[] = [];
  #running = false;
  #stopped = false;
  #inTrouble = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #added = 0;
  #written = 0;
  #waiters: { readonly until: number; readonly resolve: () => void }[] = [];

  /** `onTrouble` hears of a store that does not keep what it is given. */
  constructor(store: Store, lease: Lease, onTrouble: (error: unknown) => void) {
    this.#store = store;
    this.#lease = lease;
    this.#onTrouble = onTrouble;
    this.#unlisten = store.onHealth(() => {
      if (this.#isAway) this.#release(Infinity);
      this.#run();
    });
  }

  /** False when too much waits already: then it is not written. `needed`, it is taken all the same. */
  add(item: JournalItem, needed = false): boolean {
    if (this.#stopped || (!needed && this.#waiting.length >= mostWaiting)) return false;
    this.#waiting.push(item);
    this.#added += 1;
    this.#run();
    return true;
  }

  /** Resolves when all that was added before has been kept; at once when the store keeps nothing at present. */
  settled(): Promise<void> {
    if (!this.#running || this.#inTrouble || this.#isAway) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ until: this.#added, resolve }));
  }

  /** Takes nothing any more: it was closed, or another owner has the store. */
  get isClosed(): boolean {
    return this.#stopped;
  }

  /** What is under way then may stay so until the store is back. */
  get #isAway(): boolean {
    return this.#store.health.state === "away";
  }

  /** Ends; what waits for a store that is away is given up. */
  close(): void {
    this.#stopped = true;
    this.#unlisten();
    clearTimeout(this.#retry);
    this.#release(Infinity);
  }

  #run(): void {
    if (this.#running || this.#stopped || this.#waiting.length === 0) return;
    clearTimeout(this.#retry);
    this.#running = true;
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#stopped) {
        const items = this.#waiting.splice(0, mostAtOnce);
        const all = items.map(({ changes }) => (typeof changes === "function" ? changes() : changes));
        try {
          const positions = await this.#store.commit(this.#lease, all.flat());
          this.#inTrouble = false;
          this.#written += items.length;
          this.#tell(items, all, positions);
          this.#release(this.#written);
        } catch (error) {
          // Once until it is over: a full disk must not be filled with words about it.
          if (!this.#inTrouble) this.#onTrouble(error);
          this.#inTrouble = true;
          this.#release(Infinity);
          if (error instanceof StoreError && error.kind === "fenced") return this.close();
          for (const { delayed } of items) delayed?.();
          this.#waiting = [...items, ...this.#waiting];
          this.#retry = setTimeout(() => this.#run(), retryMs);
          return undefined;
        }
      }
    } finally {
      this.#running = false;
    }
    return undefined;
  }

  /** Lets those go on who wait for no more than `written`. */
  #release(written: number): void {
    const due = this.#waiters.filter(({ until }) => until <= written);
    this.#waiters = this.#waiters.filter(({ until }) => until > written);
    for (const { resolve } of due) resolve();
  }

  #tell(
    items: readonly JournalItem[],
    all: readonly (readonly Change[])[],
    positions: readonly Position[],
  ): void {
    let next = 0;
    for (const [index, { kept }] of items.entries()) {
      const count = (all[index] ?? []).filter(({ type }) => type === "append").length;
      try {
        kept(positions.slice(next, next + count));
      } catch (error) {
        // It is written, and must not be once more.
        this.#onTrouble(error);
      }
      next += count;
    }
  }
}
