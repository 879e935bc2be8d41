import { nextEntries, type FrameCache, type StreamFormat } from "./frame.ts";
import type { Entry, OrderedLog, Position } from "./log.ts";

/** What one log brings to a stream. */
export interface Source<E extends Entry = Entry> {
  readonly log: OrderedLog<E>;
  readonly frames: FrameCache<E>;
  /** Read from here on. */
  readonly after: Position;
  /** Which entries this reader wants; all, when absent. */
  readonly wants?: ((entry: E) => boolean) | undefined;
}

/** What comes next: bytes to write; `unfinished` where a long look for something wanted goes on in the next turn. */
export type Next = Uint8Array | "nothing" | "gone" | "unfinished";

/** Entries that are looked through in one turn of the event loop for the first that is wanted. */
const mostLooked = 4_096;

/** Where a stream is in one log. */
export class Cursor<E extends Entry = Entry> {
  readonly #source: Source<E>;
  readonly #format: StreamFormat;
  #position: Position;

  constructor(source: Source<E>, format: StreamFormat) {
    this.#source = source;
    this.#format = format;
    this.#position = source.after;
  }

  /** The id of what has been looked through. */
  get id(): string {
    return this.#source.log.idOf(this.#position);
  }

  /** The id of the oldest entry that is there; null when none is. */
  get oldestId(): string | null {
    const { log } = this.#source;
    const oldest = log.readAfter(log.beginning, 1)?.[0];
    return oldest === undefined ? null : log.idOf(oldest.sequence);
  }

  /** Moves on by one write. */
  next(): Next {
    const { log, wants, frames } = this.#source;
    if (this.#position === log.tail) return "nothing";
    if (wants !== undefined) return this.#nextWanted(wants);
    const batch = frames.batchAfter(log, this.#position, this.#format);
    if (batch === null) return "gone";
    this.#position = batch.through;
    return batch.bytes;
  }

  #nextWanted(wants: (entry: E) => boolean): Next {
    const { log, frames } = this.#source;
    for (let looked = 0; looked < mostLooked;) {
      const entries = nextEntries(log, this.#position);
      if (entries === null) return "gone";
      const last = entries.at(-1);
      if (last === undefined) return "nothing";
      this.#position = last.sequence;
      looked += entries.length;
      const wanted = entries
        .filter(wants)
        .map((entry) => frames.frame(entry, this.#format, log.idOf(entry.sequence)));
      if (wanted.length > 0)
        return wanted.length === 1 && wanted[0] !== undefined ? wanted[0] : Buffer.concat(wanted);
    }
    return "unfinished";
  }
}
