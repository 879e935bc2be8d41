import {
  StoreError,
  type Change,
  type Position,
  type StoredEntry,
  type StoredLog,
  type StoredRecord,
} from "./store.ts";

interface Log {
  readonly entries: StoredEntry[];
  trimmedThrough: Position;
}

/** An entry with all the logs that it is in. */
export interface SharedEntry extends StoredEntry {
  readonly logs: readonly string[];
}

/** What a store has, in memory: changes are applied to it, and it is read; whether they survive is others' matter. */
export class Image {
  readonly #records = new Map<string, Map<string, string>>();
  readonly #logs = new Map<string, Log>();
  #length = 0;

  /** What all of it takes, about, in characters. */
  get length(): number {
    return this.#length;
  }

  has(space: string, key: string): boolean {
    return this.#records.get(space)?.has(key) ?? false;
  }

  get(space: string, key: string): string | null {
    return this.#records.get(space)?.get(key) ?? null;
  }

  records(space: string, after: string | null, limit: number): readonly StoredRecord[] {
    return [...(this.#records.get(space) ?? [])]
      .map(([key, value]) => ({ key, value }))
      .filter(({ key }) => after === null || inOrder(key, after) > 0)
      .toSorted((a, b) => inOrder(a.key, b.key))
      .slice(0, limit);
  }

  count(space: string): number {
    return this.#records.get(space)?.size ?? 0;
  }

  spaces(prefix: string): readonly string[] {
    return [...this.#records]
      .filter(([space, records]) => records.size > 0 && space.startsWith(prefix))
      .map(([space]) => space)
      .toSorted(inOrder);
  }

  /** @throws {StoreError} `too-old` */
  entries(name: string, after: Position, limit: number): readonly StoredEntry[] {
    const log = this.#logs.get(name);
    if (log === undefined) return [];
    if (after < log.trimmedThrough) throw tooOld(name, log.trimmedThrough);
    const from = indexAfter(log.entries, after);
    return log.entries.slice(from, from + limit);
  }

  logs(prefix: string): readonly StoredLog[] {
    return [...this.#logs]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { trimmedThrough }]) => ({ name, trimmedThrough }))
      .toSorted((a, b) => inOrder(a.name, b.name));
  }

  /** Applies a change; `position` is that of an append, and greater than all before. */
  apply(change: Change, position: Position): void {
    switch (change.type) {
      case "put":
        return this.#put(change.space, change.key, change.value);
      case "delete":
        return this.#delete(change.space, change.key);
      case "clear":
        for (const key of this.#records.get(change.space)?.keys() ?? []) this.#delete(change.space, key);
        return undefined;
      case "append":
        return this.#append({ position, data: change.data }, change.logs);
      case "trim":
        return this.#trim(change.log, change.through);
      case "drop":
        this.#trim(change.log, Infinity);
        this.#logs.delete(change.log);
        return undefined;
      default:
        return change satisfies never;
    }
  }

  /** Puts in what another image had: what was trimmed of a log before its entries, and entries in their order. */
  load(from: { readonly log: StoredLog } | { readonly entry: SharedEntry }): void {
    if ("log" in from) return this.#trim(from.log.name, from.log.trimmedThrough);
    const { position, data, logs } = from.entry;
    return this.#append({ position, data }, logs);
  }

  /** All records, by space, as they are now. */
  allRecords(): readonly (readonly [space: string, records: readonly StoredRecord[]])[] {
    return [...this.#records].map(([space, records]) => [
      space,
      [...records].map(([key, value]) => ({ key, value })),
    ]);
  }

  /** All entries, as they are now, by position; each once. */
  allEntries(): readonly SharedEntry[] {
    const found = new Map<
      Position,
      { readonly position: Position; readonly data: string; readonly logs: string[] }
    >();
    for (const [name, { entries }] of this.#logs) {
      for (const { position, data } of entries) {
        const known = found.get(position);
        if (known === undefined) found.set(position, { position, data, logs: [name] });
        else known.logs.push(name);
      }
    }
    return [...found.values()].toSorted((a, b) => a.position - b.position);
  }

  #put(space: string, key: string, value: string): void {
    const records = this.#records.get(space) ?? new Map<string, string>();
    this.#records.set(space, records);
    this.#length += key.length + value.length - lengthOf(key, records.get(key));
    records.set(key, value);
  }

  #delete(space: string, key: string): void {
    const records = this.#records.get(space);
    this.#length -= lengthOf(key, records?.get(key));
    records?.delete(key);
    if (records?.size === 0) this.#records.delete(space);
  }

  #append(entry: StoredEntry, logs: readonly string[]): void {
    for (const name of logs) {
      this.#log(name).entries.push(entry);
      this.#length += entry.data.length;
    }
  }

  #trim(name: string, through: Position): void {
    const log = this.#log(name);
    const gone = log.entries.splice(0, indexAfter(log.entries, through));
    this.#length -= gone.reduce((sum, { data }) => sum + data.length, 0);
    log.trimmedThrough = Math.max(log.trimmedThrough, through);
  }

  #log(name: string): Log {
    const found = this.#logs.get(name) ?? { entries: [], trimmedThrough: 0 };
    this.#logs.set(name, found);
    return found;
  }
}

function lengthOf(key: string, value: string | undefined): number {
  return value === undefined ? 0 : key.length + value.length;
}

function indexAfter(entries: readonly StoredEntry[], position: Position): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.position ?? Infinity) > position) high = middle;
    else low = middle + 1;
  }
  return low;
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
