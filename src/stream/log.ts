import { Listeners } from "../listeners.ts";

/** Where a reader is: everything up to and including this sequence number has been read. */
export type Position = number;

/** Why a reader cannot have all that came after its position. */
export type GapReason = "expired" | "restarted" | "unknown" | "slow-consumer";

/** What a log keeps: an event in its encoded form, so that it is encoded once, whatever the number of readers. */
export interface Entry {
  readonly sequence: number;
  readonly type: string;
  readonly connection: string;
  readonly json: string;
}

export type Resumption =
  | { readonly ok: true; readonly after: Position }
  | { readonly ok: false; readonly reason: GapReason; readonly oldest: string | null };

export interface LogBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * Entries in the order of their sequence numbers, of which the oldest go when a bound is reached. Readers hold a
 * {@link Position} and read after it; the log keeps nothing per reader but its wake-up call.
 */
export class OrderedLog {
  readonly epoch: string;
  readonly #bounds: LogBounds;
  readonly #listeners = new Listeners();
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;
  #evictedThrough: Position = 0;
  #closed = false;

  /** `epoch` names the sequence; ids are `<epoch>-<sequence>`, and end with the process when it is in memory. */
  constructor(epoch: string, bounds: LogBounds) {
    this.epoch = epoch;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The position after the newest entry. */
  get tail(): Position {
    return this.#entries.at(-1)?.sequence ?? this.#evictedThrough;
  }

  /** Nothing more will come. */
  get closed(): boolean {
    return this.#closed;
  }

  idOf(position: Position): string {
    return `${this.epoch}-${position}`;
  }

  /** Sequence numbers must grow. */
  append(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.json.length;
    while (this.size > this.#bounds.maxEntries || (this.#bytes > this.#bounds.maxBytes && this.size > 1))
      this.#evict();
    this.#listeners.call();
  }

  /** Ends the log: readers get what is left, and their streams end. */
  close(): void {
    this.#closed = true;
    this.#listeners.call();
  }

  /** Calls `wake` after each append and on close, until the returned function is called. */
  listen(wake: () => void): () => void {
    return this.#listeners.add(wake);
  }

  /** Where a reader resumes that has seen the event with this id; or why it cannot have all since. */
  resume(id: string): Resumption {
    const oldest = this.size === 0 ? null : this.idOf(this.#entries[this.#head]?.sequence ?? 0);
    const match = /^(.{1,64})-(\d{1,15})$/.exec(id);
    if (match === null) return { ok: false, reason: "unknown", oldest };
    if (match[1] !== this.epoch) return { ok: false, reason: "restarted", oldest };
    const sequence = Number(match[2]);
    if (
      sequence === this.#evictedThrough ||
      this.#entries[this.#indexAfter(sequence) - 1]?.sequence === sequence
    ) {
      return { ok: true, after: sequence };
    }
    return {
      ok: false,
      reason:
        sequence < this.#evictedThrough || sequence < (this.#entries[this.#head]?.sequence ?? 0)
          ? "expired"
          : "unknown",
      oldest,
    };
  }

  /** The position before the oldest entry. */
  get beginning(): Position {
    return this.#evictedThrough;
  }

  /** Up to `limit` entries after `position`; null when some of those are gone already. */
  readAfter(position: Position, limit: number): readonly Entry[] | null {
    if (position < this.#evictedThrough) return null;
    const from = this.#indexAfter(position);
    return this.#entries.slice(from, from + limit);
  }

  /** The index of the first entry after `position`: a binary search. */
  #indexAfter(position: Position): number {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #evict(): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    this.#evictedThrough = entry.sequence;
    this.#bytes -= entry.json.length;
    this.#head += 1;
    // Amortised: the dead front is cut off when it is as long as the rest.
    if (this.#head * 2 > this.#entries.length && this.#head > 32) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
