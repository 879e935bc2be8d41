import type { DatabaseSync } from "node:sqlite";
import { tooOld } from "./image.ts";
import {
  StoreError,
  type Change,
  type Position,
  type StoredEntry,
  type StoredLog,
  type StoredRecord,
} from "./store.ts";

/** Characters of entries that are read at once at most, though one that is larger alone comes all the same. */
const mostRead = 4_194_304;

/** What is asked of an open database, as prepared statements. Runs within the caller's transaction. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #all: ReturnType<typeof prepare>;
  readonly #logIds = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#all = prepare(database);
  }

  state(): {
    readonly epoch: string;
    readonly owner: number;
    readonly position: number;
    readonly commits: number;
  } {
    const row = this.#all.state.get();
    if (row === undefined) throw new StoreError("unavailable", "The store has no state");
    const { epoch, owner, position, commits } = row;
    return {
      epoch: String(epoch),
      owner: Number(owner),
      position: Number(position),
      commits: Number(commits),
    };
  }

  setOwner(owner: number): void {
    this.#all.setOwner.run(owner);
  }

  setState(position: Position, commits: number): void {
    this.#all.setState.run(position, commits);
  }

  /** What `expect` says of each change, as things stand. */
  expectationsHold(changes: readonly Change[]): boolean {
    return changes.every(
      (change) =>
        change.type !== "put" ||
        change.expect === undefined ||
        this.#all.get.get(change.space, change.key) === undefined,
    );
  }

  /** Applies one change; `position` is where an entry is put. */
  apply(change: Change, position: Position): void {
    const all = this.#all;
    switch (change.type) {
      case "put":
        all.put.run(change.space, change.key, change.value);
        return;
      case "delete":
        all.delete.run(change.space, change.key);
        return;
      case "clear":
        all.clear.run(change.space);
        return;
      case "append":
        for (const log of change.logs) all.append.run(this.#logId(log), position, change.data);
        return;
      case "trim": {
        const id = this.#logId(change.log);
        all.trim.run(id, change.through);
        all.setTrimmed.run(change.through, id);
        return;
      }
      case "drop": {
        const id = this.#logId(change.log);
        all.dropEntries.run(id);
        all.dropLog.run(id);
        this.#logIds.delete(change.log);
        return;
      }
      default:
        change satisfies never;
    }
  }

  begin(): void {
    this.#all.begin.all();
  }

  commit(): void {
    this.#all.commit.all();
  }

  /** Forgets what was learnt in a transaction that has been rolled back. */
  rolledBack(): void {
    this.#logIds.clear();
  }

  records(space: string, after: string | null, limit: number): StoredRecord[] {
    return this.#all.records
      .all(space, after ?? "", limit)
      .map(({ key, value }) => ({ key: String(key), value: String(value) }));
  }

  count(space: string): number {
    return Number(this.#all.count.get(space)?.["n"] ?? 0);
  }

  spaces(prefix: string): string[] {
    return this.#all.spaces.all(prefix, prefix, prefix, prefix, prefix).map(({ space }) => String(space));
  }

  get(space: string, key: string): string | null {
    const row = this.#all.get.get(space, key);
    return row === undefined ? null : String(row["value"]);
  }

  entries(log: string, after: Position, limit: number): StoredEntry[] {
    const row = this.#all.findLog.get(log);
    if (row === undefined) return [];
    if (after < Number(row["trimmed"])) throw tooOld(log, Number(row["trimmed"]));
    const entries: StoredEntry[] = [];
    let length = 0;
    for (const { position, data } of this.#all.entries.iterate(Number(row["id"]), after, limit)) {
      length += String(data).length;
      if (length > mostRead && entries.length > 0) break;
      entries.push({ position: Number(position), data: String(data) });
    }
    return entries;
  }

  logs(prefix: string): StoredLog[] {
    return this.#all.logs
      .all(prefix, prefix)
      .map(({ name, trimmed }) => ({ name: String(name), trimmedThrough: Number(trimmed) }));
  }

  pages(): { readonly used: number; readonly size: number } {
    const number = (name: string) =>
      Number(Object.values(this.#database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return { used: number("page_count") - number("freelist_count"), size: number("page_size") };
  }

  #logId(name: string): number {
    const known = this.#logIds.get(name);
    if (known !== undefined) return known;
    const row = this.#all.findLog.get(name);
    const id = Number(row?.["id"] ?? this.#all.addLog.run(name).lastInsertRowid);
    this.#logIds.set(name, id);
    return id;
  }
}

function prepare(database: DatabaseSync) {
  const statement = (sql: string) => database.prepare(sql);
  return {
    begin: statement("BEGIN IMMEDIATE"),
    commit: statement("COMMIT"),
    state: statement("SELECT epoch, owner, position, commits FROM state"),
    setOwner: statement("UPDATE state SET owner = ?"),
    setState: statement("UPDATE state SET position = ?, commits = ?"),
    get: statement("SELECT value FROM records WHERE space = ? AND key = ?"),
    put: statement(
      "INSERT INTO records (space, key, value) VALUES (?, ?, ?) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value",
    ),
    delete: statement("DELETE FROM records WHERE space = ? AND key = ?"),
    clear: statement("DELETE FROM records WHERE space = ?"),
    records: statement("SELECT key, value FROM records WHERE space = ? AND key > ? ORDER BY key LIMIT ?"),
    count: statement("SELECT count(*) AS n FROM records WHERE space = ?"),
    // One look-up for each, where DISTINCT would read every key.
    spaces: statement(
      `WITH RECURSIVE found (space) AS (
        SELECT min(space) FROM records WHERE space >= ?
        UNION ALL SELECT (SELECT min(space) FROM records WHERE space > found.space) FROM found
          WHERE found.space IS NOT NULL AND substr(found.space, 1, length(?)) = ?
      ) SELECT space FROM found WHERE space IS NOT NULL AND substr(space, 1, length(?)) = ?`,
    ),
    findLog: statement("SELECT id, trimmed FROM logs WHERE name = ?"),
    addLog: statement("INSERT INTO logs (name) VALUES (?)"),
    setTrimmed: statement("UPDATE logs SET trimmed = max(trimmed, ?) WHERE id = ?"),
    dropLog: statement("DELETE FROM logs WHERE id = ?"),
    dropEntries: statement("DELETE FROM entries WHERE log = ?"),
    append: statement("INSERT INTO entries (log, position, data) VALUES (?, ?, ?)"),
    trim: statement("DELETE FROM entries WHERE log = ? AND position <= ?"),
    entries: statement(
      "SELECT position, data FROM entries WHERE log = ? AND position > ? ORDER BY position LIMIT ?",
    ),
    logs: statement(
      "SELECT name, trimmed FROM logs WHERE name >= ? AND name < ? || char(1114111) ORDER BY name",
    ),
  };
}
