import { wholeOf, type Chain, type PlacedRecord } from "./jetstream-chain.ts";
import { decodeCommits, decodeImage, join } from "./jetstream-bytes.ts";
import { applyRecord } from "./jetstream-draft.ts";
import { Image } from "./image.ts";
import { StoreError } from "./store.ts";

/** What a `snapshot` record says. */
export interface SnapshotPlace {
  /** The record up to and including which it has everything. */
  readonly through: number;
  /** Its own pieces, by their sequence numbers in the stream. */
  readonly first: number;
  readonly last: number;
  readonly pieces: number;
}

/** A record put together from its pieces. */
interface Whole {
  readonly sequence: number;
  readonly data: Uint8Array;
}

export interface Replayed {
  readonly image: Image;
  /** Of the records since the newest snapshot. */
  readonly bytes: number;
}

/**
 * Makes the image that all records up to one leave behind: the newest snapshot, and what came after it.
 *
 * @throws {StoreError} `unavailable`
 */
export async function replay(chain: Chain, snapshots: string, through: number): Promise<Replayed> {
  const image = new Image();
  const { snapshot, records } = await readRecords(chain, through);
  if (snapshot !== null) decodeImage(await readPieces(chain, snapshots, snapshot), image);
  let bytes = 0;
  for (const { sequence, data } of records) {
    bytes += data.length;
    applyRecord(image, sequence, decodeCommits(data));
  }
  return { image, bytes };
}

async function readRecords(
  chain: Chain,
  through: number,
): Promise<{ readonly snapshot: SnapshotPlace | null; readonly records: readonly Whole[] }> {
  let snapshot: SnapshotPlace | null = null;
  let records: Whole[] = [];
  let pieces: PlacedRecord[] = [];
  for await (const record of chain.read(1, through)) {
    // Without the last one of its pieces, a record was never kept.
    if (pieces[0] !== undefined && wholeOf(pieces[0]) !== wholeOf(record)) pieces = [];
    if (record.kind === "snapshot") {
      const place = JSON.parse(new TextDecoder().decode(record.data)) as SnapshotPlace;
      snapshot = place;
      records = records.filter(({ sequence }) => sequence > place.through);
    }
    if (record.kind !== "changes") continue;
    pieces.push(record);
    if (record.more) continue;
    records.push({ sequence: record.sequence, data: join(pieces.map(({ data }) => data)) });
    pieces = [];
  }
  return { snapshot, records };
}

async function readPieces(chain: Chain, subject: string, place: SnapshotPlace): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const { data } of chain.readSubject(subject, place.first, place.last)) pieces.push(data);
  if (pieces.length !== place.pieces)
    throw new StoreError(
      "unavailable",
      `A snapshot of the store has ${pieces.length} pieces, and should have ${place.pieces}`,
    );
  return join(pieces);
}
