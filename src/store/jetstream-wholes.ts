import { join } from "./jetstream-bytes.ts";
import { wholeOf, type PlacedRecord } from "./jetstream-chain.ts";

/** A record of changes put together from its pieces. */
export interface Whole {
  /** Of its last piece. */
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Puts records together from their pieces, which come in their order. */
export class Wholes {
  #pieces: PlacedRecord[] = [];

  /** What this record makes whole; null where it is not the last piece of changes. */
  take(record: PlacedRecord): Whole | null {
    const [first] = this.#pieces;
    // Without the last one of its pieces, a record was never kept.
    if (first !== undefined && wholeOf(first) !== wholeOf(record)) this.#pieces = [];
    if (record.kind !== "changes") return null;
    this.#pieces.push(record);
    if (record.more) return null;
    const data = join(this.#pieces.map((piece) => piece.data));
    this.#pieces = [];
    return { sequence: record.sequence, data };
  }
}
