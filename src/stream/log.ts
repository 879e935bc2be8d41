import { unlimited, type Budget } from "../budget.ts";
import { WakeUps, type WakeCause } from "./wake-ups.ts";

/** Where a reader is: everything up to and including this sequence number has been read. */
export type Position = number;

/** Why a reader cannot have all that came after its position. */
export type GapReason = "expired" | "restarted" | "unknown" | "slow-consumer";

/** What a log keeps: an event or a message in its encoded form; whose log it is knows of more members. */
export interface Entry {
  readonly sequence: number;
  readonly type: string;
  /** An object, without line ends. */
  readonly json: string;
}

export type Resumption =
  | { readonly ok: true; readonly after: Position }
  | { readonly ok: false; readonly reason: GapReason; readonly oldest: string | null };

/** Of these the newest entry is always kept, whatever it is. */
export interface LogBounds {
  readonly maxEntries: number;
  /** Of `json` alone, by its length: bytes where it is ASCII, and down to a third of them where it is not. */
  readonly maxBytes: number;
}

/**
 * Entries in the order of their sequence numbers, of which the oldest go when a bound is reached. Readers hold a
 * {@link Position} and read after it; the log keeps nothing per reader but its wake-up call.
 */
export class OrderedLog<E extends Entry = Entry> {
  readonly epoch: string;
  readonly #budget: Budget;
  #bounds: LogBounds;
  /** Not before somebody listens: there are many logs, and most have no readers. */
  #wakeUps: WakeUps | null = null;
  #entries: E[] = [];
  #head = 0;
  #bytes = 0;
  #evictedThrough: Position = 0;
  #tail: Position = 0;
  #closed = false;

  /**
   * `epoch` names the sequence; ids are `<epoch>-<sequence>`, and end with the process when it is in memory. Of `budget` it
   * takes the bytes that it has, whose bounds hold besides its own.
   */
  constructor(epoch: string, bounds: LogBounds, budget: Budget = unlimited()) {
    this.epoch = epoch;
    this.#budget = budget;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** The position after the newest entry. */
  get tail(): Position {
    return this.#tail;
  }

  /** Nothing more will come. */
  get closed(): boolean {
    return this.#closed;
  }

  idOf(position: Position): string {
    return `${this.epoch}-${position}`;
  }

  /** Sequence numbers must grow. */
  append(entry: E): void {
    const bytes = entry.json.length;
    this.#wakeUps?.before(bytes);
    this.#entries.push(entry);
    this.#tail = entry.sequence;
    this.#count(bytes);
    while (this.size > 1 && (this.size > this.#bounds.maxEntries || this.#bytes > this.#bounds.maxBytes))
      this.#evict();
    if (this.#budget.isOver) this.#makeRoom();
    this.#wakeUps?.after(bytes);
  }

  /** Makes a log that was kept as it was: what is after `evictedThrough` is appended next. */
  restore(evictedThrough: Position): void {
    this.#evictedThrough = evictedThrough;
    this.#tail = Math.max(this.#tail, evictedThrough);
  }

  /** Other bounds hold from the next entry on. */
  rebound(bounds: LogBounds): void {
    this.#bounds = bounds;
  }

  /** Ends the log: readers get what is left, and their streams end. */
  close(): void {
    if (!this.#closed) this.#budget.give(this.#bytes);
    this.#closed = true;
    this.#wakeUps?.call("turn");
  }

  /**
   * Calls `wake` once after a turn of the event loop in which something came, within it when much came, and at once on
   * close; until the returned function is called.
   */
  listen(wake: (cause: WakeCause) => void): () => void {
    this.#wakeUps ??= new WakeUps(this.#bounds);
    return this.#wakeUps.add(wake);
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
  readAfter(position: Position, limit: number): readonly E[] | null {
    if (position < this.#evictedThrough) return null;
    const from = this.#indexAfter(position);
    return this.#entries.slice(from, from + limit);
  }

  /**
   * The index of the first entry after `position`. Sequence numbers grow evenly, more or less, so that the search begins
   * around a guess, and looks at a few entries, however many there are.
   */
  #indexAfter(position: Position): number {
    const first = this.#entries[this.#head]?.sequence ?? 0;
    if (position < first || this.size === 0) return this.#head;
    if (position >= this.#tail) return this.#entries.length;
    const share = (position - first) / (this.#tail - first);
    const guess = this.#head + Math.floor(share * (this.size - 1));
    let low = guess;
    let high = guess + 1;
    for (let step = 1; low > this.#head && this.#isAfter(low, position); step *= 2)
      [high, low] = [low, Math.max(this.#head, low - step)];
    for (let step = 1; high < this.#entries.length && !this.#isAfter(high, position); step *= 2)
      [low, high] = [high, Math.min(this.#entries.length, high + step)];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isAfter(middle, position)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #isAfter(index: number, position: Position): boolean {
    return (this.#entries[index]?.sequence ?? Infinity) > position;
  }

  /** What it has is its readers' when it has ended. */
  #count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#closed) this.#budget.force(bytes);
  }

  /** There is more in all than there may be: whoever adds to it loses its own oldest. */
  #makeRoom(): void {
    this.#budget.noteOver();
    while (this.size > 1 && this.#budget.isOver) this.#evict();
  }

  #evict(): void {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return;
    this.#evictedThrough = entry.sequence;
    this.#count(-entry.json.length);
    this.#head += 1;
    // Amortised: the dead front is cut off when it is as long as the rest.
    if (this.#head * 2 > this.#entries.length && this.#head > 32) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}
