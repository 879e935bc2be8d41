import type { Change, Lease, Position, Store } from "../../src/store/store.ts";

/** A store of which reads of some space are held up from the n-th on, until they are let go. */
export class GatedStore implements Store {
  readonly #store: Store;
  readonly #isHeld: (space: string, nth: number) => boolean;
  readonly #gate = Promise.withResolvers<void>();
  readonly #counts = new Map<string, number>();

  constructor(store: Store, isHeld: (space: string, nth: number) => boolean) {
    this.#store = store;
    this.#isHeld = isHeld;
  }

  get survives(): Store["survives"] {
    return this.#store.survives;
  }

  get epoch(): string {
    return this.#store.epoch;
  }

  get health(): Store["health"] {
    return this.#store.health;
  }

  letGo(): void {
    this.#gate.resolve();
  }

  onHealth(listener: () => void): () => void {
    return this.#store.onHealth(listener);
  }

  acquire(): Promise<Lease> {
    return this.#store.acquire();
  }

  commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    return this.#store.commit(lease, changes);
  }

  count: Store["count"] = (...args) => this.#store.count(...args);
  spaces: Store["spaces"] = (...args) => this.#store.spaces(...args);
  get: Store["get"] = (...args) => this.#store.get(...args);
  entries: Store["entries"] = (...args) => this.#store.entries(...args);
  logs: Store["logs"] = (...args) => this.#store.logs(...args);

  async records(...args: Parameters<Store["records"]>): ReturnType<Store["records"]> {
    const nth = (this.#counts.get(args[0]) ?? 0) + 1;
    this.#counts.set(args[0], nth);
    if (this.#isHeld(args[0], nth)) await this.#gate.promise;
    return this.#store.records(...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

/** Before the third page of connections. */
export const thirdPage = (space: string, nth: number): boolean => space === "connections" && nth >= 3;
