import { places } from "./connection/stored-connection.ts";
import type { ProgressBoard } from "./progress/board.ts";
import { ScopedStore } from "./store/scoped-store.ts";
import type { Store } from "./store/store.ts";

/** Counts, at the start, how many of all stored connections have been read back. */
export class Restoring {
  readonly #board: ProgressBoard;
  #total = 0;
  #steps = 0;
  #isOver = false;

  constructor(board: ProgressBoard) {
    this.#board = board;
  }

  /**
   * Begins with what the store has of its tenants besides what has no tenant.
   *
   * @throws {StoreError} when it cannot be read
   */
  async begin(store: Store, tenants: readonly string[]): Promise<void> {
    if (store.survives !== "power") return;
    for (const tenant of [null, ...tenants])
      this.#total += await new ScopedStore(store, tenant).count(places.connections);
    this.#say();
  }

  /** So many have come one half of the way further: their records have been read, or after that their logs. */
  step(count: number): void {
    this.#steps += count;
    this.#say();
  }

  /** What comes back from here on is a tenant's that was forgotten for a while. */
  finish(): void {
    this.#isOver = true;
    this.#board.finish("restore");
  }

  #say(): void {
    if (this.#isOver || this.#total === 0) return;
    const done = Math.min(this.#total, Math.floor(this.#steps / 2));
    this.#board.report({ task: "restore", done, total: this.#total });
  }
}
