import type { HistogramView } from "../histogram.ts";

/** The order in which entries were kept, over all logs of a store; grows, with holes, and means nothing else. */
export type Position = number;

/** The right to write. Whoever acquires it takes it from whoever had it, whose next commit is `fenced`. */
export interface Lease {
  /** Opaque outside of the store. */
  readonly token: string;
}

/** One change; those of one commit are kept all together or not at all. */
export type Change =
  /** Keeps a value under a key; with `expect: "absent"` the commit is a `conflict` where there is one already. */
  | {
      readonly type: "put";
      readonly space: string;
      readonly key: string;
      readonly value: string;
      readonly expect?: "absent";
    }
  | { readonly type: "delete"; readonly space: string; readonly key: string }
  /** Deletes all keys of a space. */
  | { readonly type: "clear"; readonly space: string }
  /** Adds an entry to each of these logs, under one position. */
  | { readonly type: "append"; readonly logs: readonly string[]; readonly data: string }
  /** Forgets the entries of a log up to and including a position. */
  | { readonly type: "trim"; readonly log: string; readonly through: Position }
  /** Forgets a log, as though it had never been. */
  | { readonly type: "drop"; readonly log: string };

/** Values are texts without NUL (one runtime reads no further), and so are keys: 1 to 512 characters, in the order of their UTF-8 bytes. */
export interface StoredRecord {
  readonly key: string;
  readonly value: string;
}

export interface StoredEntry {
  readonly position: Position;
  readonly data: string;
}

export interface StoredLog {
  readonly name: string;
  /** What was trimmed; 0 when nothing was. */
  readonly trimmedThrough: Position;
}

/**
 * What survives when a commit has resolved: nothing but the process's own life, or a crash and a power failure.
 */
export type Survives = "nothing" | "power";

/** `full`: no room to grow, reads and deletions go on. `away`: nothing can be kept, and it is tried again by itself. */
export type StoreHealth =
  | { readonly state: "open" }
  | { readonly state: "full" | "away"; readonly detail: string };

/**
 * Keeps records (a value by space and key) and logs (entries in order). The one place that durable promises go through:
 * nothing that depends on a commit may leave before it has resolved. One owner writes; the lease says who. Many commits
 * under way at once share what it costs to keep them, and resolve in the order in which they were made.
 */
export interface Store extends AsyncDisposable {
  readonly survives: Survives;
  /** Names what is kept here; another one where a store was made anew. Ids of entries begin with it. */
  readonly epoch: string;
  readonly health: StoreHealth;
  /** How long commits took that shared what they cost, in seconds; absent where nothing survives. */
  readonly commitSeconds?: HistogramView;
  /** Calls `listener` when the health has changed, until the returned function is called. */
  onHealth(listener: () => void): () => void;
  acquire(): Promise<Lease>;
  /**
   * Applies the changes in order, all or none; resolves with the position of each `append`, when they survive.
   *
   * @throws {StoreError}
   */
  commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]>;
  /** Up to `limit` records of a space, in the order of their keys, after a key. */
  records(space: string, after: string | null, limit: number): Promise<readonly StoredRecord[]>;
  /** How many records a space has. */
  count(space: string): Promise<number>;
  /** The spaces that have records and whose names begin with `prefix`, in their order. */
  spaces(prefix: string): Promise<readonly string[]>;
  /** The value under a key; null when there is none. */
  get(space: string, key: string): Promise<string | null>;
  /**
   * Up to `limit` entries of a log after a position (0 is the beginning), fewer where they are large.
   *
   * @throws {StoreError} `too-old` when entries after that position have been trimmed
   */
  entries(log: string, after: Position, limit: number): Promise<readonly StoredEntry[]>;
  /** The logs whose names begin with `prefix`, in the order of their names. */
  logs(prefix: string): Promise<readonly StoredLog[]>;
}

/**
 * How a commit, or a read, can fail.
 *
 * - `fenced`: somebody else has the lease. Stop.
 * - `conflict`: what was expected does not hold. Read again.
 * - `full`: not applied, for want of room; commits that only delete still are.
 * - `unavailable`: certainly not applied. Try again.
 * - `unknown`: may have been applied. Read before trying again.
 * - `too-old`: what was asked for has been trimmed.
 */
export type StoreFailure = "fenced" | "conflict" | "full" | "unavailable" | "unknown" | "too-old";

export class StoreError extends Error {
  readonly kind: StoreFailure;
  /** The first position that can still be read after, where the kind is `too-old`. */
  readonly firstPosition: Position | null;

  constructor(kind: StoreFailure, message: string, firstPosition: Position | null = null) {
    super(message);
    this.name = "StoreError";
    this.kind = kind;
    this.firstPosition = firstPosition;
  }
}
