import { Listeners } from "../listeners.ts";
import {
  StoreError,
  type Change,
  type Lease,
  type Position,
  type Store,
  type StoreHealth,
  type StoredEntry,
  type StoredLog,
  type StoredRecord,
} from "./store.ts";

interface Log {
  readonly entries: StoredEntry[];
  trimmedThrough: Position;
}

const open: StoreHealth = { state: "open" };

/** Keeps everything in this process and nothing beyond it; the measure of what the other stores promise, but for that. */
export class MemoryStore implements Store {
  readonly survives = "nothing";
  readonly epoch: string;
  readonly #records = new Map<string, Map<string, string>>();
  readonly #logs = new Map<string, Log>();
  readonly #watchers = new Listeners();
  #position: Position = 0;
  #owner = 0;
  #closed = false;

  /** `epoch` is another one for each store. */
  constructor(epoch: string) {
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
      if (change.type === "put" && change.expect === "absent" && this.#space(change.space).has(change.key))
        throw new StoreError("conflict", `There is a record ${change.space}/${change.key} already`);
    }
    return changes.flatMap((change) => this.#apply(change));
  }

  async records(space: string, after: string | null, limit: number): Promise<readonly StoredRecord[]> {
    return [...this.#space(space)]
      .map(([key, value]) => ({ key, value }))
      .filter(({ key }) => after === null || inOrder(key, after) > 0)
      .toSorted((a, b) => inOrder(a.key, b.key))
      .slice(0, limit);
  }

  async count(space: string): Promise<number> {
    return this.#records.get(space)?.size ?? 0;
  }

  async spaces(prefix: string): Promise<readonly string[]> {
    return [...this.#records]
      .filter(([space, records]) => records.size > 0 && space.startsWith(prefix))
      .map(([space]) => space)
      .toSorted(inOrder);
  }

  async get(space: string, key: string): Promise<string | null> {
    return this.#records.get(space)?.get(key) ?? null;
  }

  async entries(name: string, after: Position, limit: number): Promise<readonly StoredEntry[]> {
    const log = this.#logs.get(name);
    if (log === undefined) return [];
    if (after < log.trimmedThrough) throw tooOld(name, log.trimmedThrough);
    return log.entries.filter(({ position }) => position > after).slice(0, limit);
  }

  async logs(prefix: string): Promise<readonly StoredLog[]> {
    return [...this.#logs]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { trimmedThrough }]) => ({ name, trimmedThrough }))
      .toSorted((a, b) => inOrder(a.name, b.name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#watchers.call();
  }

  #apply(change: Change): Position[] {
    switch (change.type) {
      case "put":
        this.#space(change.space).set(change.key, change.value);
        return [];
      case "delete":
        this.#space(change.space).delete(change.key);
        return [];
      case "clear":
        this.#records.delete(change.space);
        return [];
      case "append":
        this.#position += 1;
        for (const name of change.logs)
          this.#log(name).entries.push({ position: this.#position, data: change.data });
        return [this.#position];
      case "trim": {
        const log = this.#log(change.log);
        const kept = log.entries.findIndex(({ position }) => position > change.through);
        log.entries.splice(0, kept === -1 ? log.entries.length : kept);
        log.trimmedThrough = Math.max(log.trimmedThrough, change.through);
        return [];
      }
      case "drop":
        this.#logs.delete(change.log);
        return [];
      default:
        return change satisfies never;
    }
  }

  #space(name: string): Map<string, string> {
    const found = this.#records.get(name) ?? new Map<string, string>();
    this.#records.set(name, found);
    return found;
  }

  #log(name: string): Log {
    const found = this.#logs.get(name) ?? { entries: [], trimmedThrough: 0 };
    this.#logs.set(name, found);
    return found;
  }
}

export function tooOld(log: string, firstPosition: Position): StoreError {
  return new StoreError(
    "too-old",
    `Of the log ${log} only what is after ${firstPosition} is kept`,
    firstPosition,
  );
}

/** By UTF-8 bytes, as databases have it, and not by UTF-16 units. */
function inOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
