import type { MsgHdrs } from "@nats-io/nats-core";
import type { Chain } from "./jetstream-chain.ts";
import { decodeCommits, decodeImage, join } from "./jetstream-bytes.ts";
import { applyRecord } from "./jetstream-draft.ts";
import { Wholes, type Whole } from "./jetstream-wholes.ts";
import { Image } from "./image.ts";
import { StoreError } from "./store.ts";

/** What a `snapshot` record says. */
export interface SnapshotPlace {
  /** The record up to and including which it has everything. */
  readonly through: number;
  /** What its pieces say that they are of; an older version did not mark them. */
  readonly id?: string;
  /** Its own pieces, by their sequence numbers in the stream; between them may be those of another one. */
  readonly first: number;
  readonly last: number;
  readonly pieces: number;
}

export interface Replayed {
  readonly image: Image;
  /** Of the records since the newest snapshot. */
  readonly bytes: number;
  /** What has the pieces of a record that is not whole yet, to go on with. */
  readonly wholes: Wholes;
}

/**
 * Makes the image that all records up to one leave behind: the newest snapshot, and what came after it.
 *
 * @throws {StoreError} `unavailable`
 */
export async function replay(
  chain: Chain,
  snapshots: string,
  through: number,
  withinMs?: number,
): Promise<Replayed> {
  const image = new Image();
  const { snapshot, records, wholes } = await readRecords(chain, through, withinMs);
  if (snapshot !== null) decodeImage(await readPieces(chain, snapshots, snapshot, withinMs), image);
  let bytes = 0;
  for (const { sequence, data } of records) {
    bytes += data.length;
    applyRecord(image, sequence, decodeCommits(data));
  }
  return { image, bytes, wholes };
}

const pieceOfHeader = "Connack-Snapshot";

/** Marks a piece as one of this snapshot. */
export function markPiece(header: MsgHdrs, id: string): void {
  header.set(pieceOfHeader, id);
}

interface ReadRecords {
  readonly snapshot: SnapshotPlace | null;
  readonly records: readonly Whole[];
  readonly wholes: Wholes;
}

async function readRecords(chain: Chain, through: number, withinMs?: number): Promise<ReadRecords> {
  const wholes = new Wholes();
  let snapshot: SnapshotPlace | null = null;
  let records: Whole[] = [];
  /** Before the first record that is read, and wherever there is a hole: up to where a snapshot has to reach. */
  let missing = 0;
  let last = 0;
  for await (const record of chain.read(1, through, withinMs)) {
    if (record.previous !== last) missing = record.previous;
    last = record.sequence;
    if (record.kind === "snapshot") {
      const place = JSON.parse(new TextDecoder().decode(record.data)) as SnapshotPlace;
      snapshot = place;
      records = records.filter(({ sequence }) => sequence > place.through);
    }
    const whole = wholes.take(record);
    if (whole !== null) records.push(whole);
  }
  // Whoever does not own it reads while its owner goes on, and takes records away that a newer snapshot has.
  if (last !== through || missing > (snapshot?.through ?? 0))
    throw new StoreError("unavailable", "Records of the store have gone while they were read");
  return { snapshot, records, wholes };
}

async function readPieces(
  chain: Chain,
  subject: string,
  { id, first, last, pieces: count }: SnapshotPlace,
  withinMs?: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const { header, data } of chain.readSubject(subject, first, last, withinMs))
    if (id === undefined || header.get(pieceOfHeader) === id) pieces.push(data);
  if (pieces.length !== count)
    throw new StoreError(
      "unavailable",
      `A snapshot of the store has ${pieces.length} pieces, and should have ${count}`,
    );
  return join(pieces);
}
