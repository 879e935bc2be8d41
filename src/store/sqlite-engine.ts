import { onlyFrees, type Commit, type CommitResult } from "./commit.ts";
import type { DatabaseSync } from "node:sqlite";
import type { OnOpening } from "./opening.ts";
import { Reserve } from "./reserve.ts";
import { openFile, pragma, resultCode, UnusableStore, type SqliteOptions } from "./sqlite-file.ts";
import { run } from "./sqlite-schema.ts";
import { shrink } from "./sqlite-shrink.ts";
import { Statements } from "./sqlite-statements.ts";
import { StoreError, type Position, type StoreHealth } from "./store.ts";

/** What to say when it is known whether a group was applied. */
type Tell = (applied: boolean) => readonly CommitResult[];

/** Pages that only deletions may use, so that a full file can be cleaned. */
const reservePages = 256;
/** So much of the file must be free again before it counts as having room. */
const roomAgain = 0.98;
const sqliteFull = 13;

const full: CommitResult = { ok: false, kind: "full", message: "The store has no room" };
const away = (message: string): CommitResult => ({ ok: false, kind: "unavailable", message });
const open: StoreHealth = { state: "open" };

/**
 * A database file with its one writer: applies commits in groups, one transaction and one fsync for all of a group. It
 * blocks while the disk works, so it has a thread of its own.
 */
export class SqliteEngine {
  readonly #options: SqliteOptions;
  readonly #reserve: Reserve;
  #database: DatabaseSync;
  #statements: Statements;
  #commits: number;
  #position: Position;
  #owner: string;
  #maxPages: number;
  #health: StoreHealth = open;
  /** The database is closed after an error; whose COMMIT failed is told when it is open again whether it was applied. */
  #broken: { readonly detail: string; readonly tell: Tell | null } | null = null;
  /** The results of the group at hand, from the moment at which COMMIT may have been applied. */
  #tentative: readonly CommitResult[] | null = null;

  /** @throws {UnusableStore} */
  constructor(options: SqliteOptions, onOpening: OnOpening = () => {}) {
    this.#options = options;
    this.#reserve = new Reserve(`${options.file}.reserve`);
    this.#database = this.#withReserve(() => openFile(options, onOpening));
    this.#statements = new Statements(this.#database);
    ({ commits: this.#commits, position: this.#position } = this.#statements.state());
    this.#owner = String(this.#statements.state().owner);
    this.#maxPages = Math.max(reservePages * 2, Math.floor(options.maxBytes / this.#statements.pages().size));
    this.#limitPages(this.#maxPages - reservePages);
    if (!this.#reserve.fill()) this.#health = noRoomOnDisk;
  }

  get epoch(): string {
    return this.#statements.state().epoch;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  /** For reading; null while the database cannot be used. */
  get reading(): Statements | null {
    return this.#broken === null ? this.#statements : null;
  }

  /** Takes ownership. */
  acquire(): string {
    if (this.#broken !== null) throw new StoreError("unavailable", this.#broken.detail);
    const owner = this.#statements.state().owner + 1;
    this.#withReserve(() => this.#statements.setOwner(owner));
    this.#owner = String(owner);
    return this.#owner;
  }

  /** Applies a group; null when its outcome will be known later, by {@link recover}. */
  commit(group: readonly Commit[]): readonly CommitResult[] | null {
    const broken = this.#broken;
    if (broken !== null) return group.map(() => away(broken.detail));
    if (this.#health.state === "full") return this.#inNeed(group);
    try {
      return this.#transact(group);
    } catch (error) {
      if (!isFull(error)) return this.#break(error, group, (results) => results);
      this.#tentative = null;
      this.#noRoom();
      return this.#inNeed(group);
    }
  }

  /** Called now and then while the health is not `open`; the results of the group that was waiting for it, if any. */
  recover(): readonly CommitResult[] | null {
    if (this.#broken !== null) return this.#reopen(this.#broken.tell);
    if (this.#health.state === "full" && this.#hasRoom()) this.#health = open;
    return null;
  }

  close(): void {
    if (this.#broken !== null) return;
    try {
      run(this.#database, "UPDATE state SET clean = 1");
      run(this.#database, "PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // It will be looked through when it is opened next, which is all that this spares.
    }
    this.#database.close();
    this.#broken = { detail: "The store has been closed", tell: null };
  }

  #transact(group: readonly Commit[]): readonly CommitResult[] {
    this.#statements.begin();
    try {
      let position = this.#position;
      const results = group.map((commit): CommitResult => {
        if (commit.token !== this.#owner)
          return { ok: false, kind: "fenced", message: "Another owner has the store" };
        if (!this.#statements.expectationsHold(commit.changes))
          return { ok: false, kind: "conflict", message: "What was to be new is there already" };
        const positions: Position[] = [];
        for (const change of commit.changes) {
          if (change.type === "append") positions.push((position += 1));
          this.#statements.apply(change, position);
        }
        return { ok: true, positions };
      });
      this.#statements.setState(position, this.#commits + 1);
      this.#tentative = results;
      this.#statements.commit();
      this.#tentative = null;
      this.#commits += 1;
      this.#position = position;
      return results;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    this.#statements.rolledBack();
    try {
      if (this.#database.isTransaction) run(this.#database, "ROLLBACK");
    } catch {
      // Some errors have rolled back already; others are met again by whoever uses the database next.
    }
  }

  /** While there is no room: what only frees goes through, with all that was reserved for it. */
  #inNeed(group: readonly Commit[]): readonly CommitResult[] | null {
    const freeing = group.filter(onlyFrees);
    const withRest = (results: readonly CommitResult[]) => {
      const byCommit = new Map(freeing.map((commit, index) => [commit, results[index] ?? full]));
      return group.map((commit) => byCommit.get(commit) ?? full);
    };
    let results: readonly CommitResult[] = [];
    if (freeing.length > 0) {
      this.#reserve.release();
      this.#limitPages(this.#maxPages);
      try {
        for (const { changes, token } of freeing)
          if (token === this.#owner) for (const change of changes) shrink(this.#database, change);
        results = this.#transact(freeing);
      } catch (error) {
        this.#rollBack();
        if (!isFull(error)) return this.#break(error, freeing, withRest);
        this.#tentative = null;
      }
      this.#limitPages(this.#maxPages - reservePages);
    }
    return withRest(results);
  }

  /** Runs what a full disk must not prevent, if need be with the room that is reserved. */
  #withReserve<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#reserve.release();
      this.#health = noRoomOnDisk;
      return work();
    }
  }

  #noRoom(): void {
    const { used } = this.#statements.pages();
    this.#health =
      used >= this.#maxPages - reservePages - 16
        ? { state: "full", detail: "The store holds as much as CONNACK_STORE_MAX_BYTES lets it" }
        : noRoomOnDisk;
  }

  #hasRoom(): boolean {
    if (this.#statements.pages().used > (this.#maxPages - reservePages) * roomAgain) return false;
    return this.#reserve.fill();
  }

  #limitPages(pages: number): void {
    // It never goes below what the file has, so that this cannot fail.
    pragma(this.#database, `max_page_count = ${pages}`);
  }

  #break(
    error: unknown,
    group: readonly Commit[],
    withRest: (results: readonly CommitResult[]) => readonly CommitResult[],
  ): readonly CommitResult[] | null {
    const detail = `The store cannot be written: ${error instanceof Error ? error.message : String(error)}`;
    const tentative = this.#tentative;
    this.#tentative = null;
    const none = group.map(() => away(detail));
    const tell = (applied: boolean) => withRest(applied && tentative !== null ? tentative : none);
    this.#broken = { detail, tell: tentative === null ? null : tell };
    this.#health = { state: "away", detail };
    try {
      this.#database.close();
    } catch {
      // It is given up anyway.
    }
    return tentative === null ? withRest(none) : null;
  }

  /** Opens the file again; its count of commits tells whether the last one had been applied. */
  #reopen(tell: Tell | null): readonly CommitResult[] | null {
    let database: DatabaseSync | null = null;
    try {
      database = openFile({ ...this.#options, busyTimeoutMs: 0 });
      // What is believed from here on must be on disk, and not only in what the kernel remembers of it.
      run(database, "PRAGMA wal_checkpoint(TRUNCATE)");
      const statements = new Statements(database);
      const { commits, position, owner } = statements.state();
      const applied = commits !== this.#commits;
      this.#database = database;
      this.#statements = statements;
      this.#commits = commits;
      this.#position = position;
      this.#owner = String(owner);
      this.#broken = null;
      this.#limitPages(this.#maxPages - reservePages);
      this.#health = this.#reserve.fill() ? open : noRoomOnDisk;
      return tell?.(applied) ?? null;
    } catch {
      database?.close();
      return null;
    }
  }
}

const noRoomOnDisk: StoreHealth = { state: "full", detail: "There is no room on the disk of the store" };

function isFull(error: unknown): boolean {
  const cause = error instanceof UnusableStore ? error.cause : error;
  return (resultCode(cause) & 0xff) === sqliteFull;
}
