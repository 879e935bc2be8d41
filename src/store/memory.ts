import { Listeners } from "../listeners.ts";
import { ImageReads } from "./image-reads.ts";
import { StoreError, type Change, type Lease, type Position, type Store, type StoreHealth } from "./store.ts";

const open: StoreHealth = { state: "open" };

/** Keeps everything in this process and nothing beyond it; the measure of what the other stores promise, but for that. */
export class MemoryStore extends ImageReads implements Store {
  readonly survives = "nothing";
  readonly epoch: string;
  readonly #watchers = new Listeners();
  #position: Position = 0;
  #owner = 0;
  #closed = false;

  /** `epoch` is another one for each store. */
  constructor(epoch: string) {
    super();
    this.epoch = epoch;
  }

  get health(): StoreHealth {
    return this.#closed ? { state: "away", detail: "The store has been closed" } : open;
  }

  onHealth(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  async acquire(): Promise<Lease> {
    this.#owner += 1;
    return { token: String(this.#owner) };
  }

  async commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    if (this.#closed) throw new StoreError("unavailable", "The store has been closed");
    if (lease.token !== String(this.#owner)) throw new StoreError("fenced", "Another owner has the store");
    for (const change of changes) {
      if (change.type === "put" && change.expect === "absent" && this.image.has(change.space, change.key))
        throw new StoreError("conflict", `There is a record ${change.space}/${change.key} already`);
    }
    const positions: Position[] = [];
    for (const change of changes) {
      if (change.type === "append") positions.push((this.#position += 1));
      this.image.apply(change, this.#position);
    }
    return positions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#watchers.call();
  }
}
