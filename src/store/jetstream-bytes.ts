import { readGroup, writeGroup } from "./group-text.ts";
import type { Image } from "./image.ts";
import type { Change } from "./store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the servers take besides the bytes: headers, and the subject. */
const overhead = 1_024;
/** A piece of a snapshot is no longer than this, so that others get through between two. */
const snapshotPiece = 262_144;

/** Commits as bytes. */
export function encodeCommits(commits: readonly (readonly Change[])[]): Uint8Array {
  const { text, numbers } = writeGroup(commits.map((changes) => ({ token: "", changes })));
  return encoder.encode(`${numbers}\n${text}`);
}

export function decodeCommits(bytes: Uint8Array): readonly (readonly Change[])[] {
  const all = decoder.decode(bytes);
  const end = all.indexOf("\n");
  return readGroup({ numbers: all.slice(0, end), text: all.slice(end + 1) }).map(({ changes }) => changes);
}

/** Cuts bytes into pieces that a server with this largest payload takes; at least one. */
export function cut(bytes: Uint8Array, maxPayload: number): readonly Uint8Array[] {
  const size = Math.max(1, maxPayload - overhead);
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}

/** All that an image has at this moment, as pieces, which are made one by one. */
export function encodeImage(image: Image, maxPayload: number): Iterable<Uint8Array> {
  const [records, logs, entries] = [image.allRecords(), image.logs(""), image.allEntries()];
  const lines = (function* () {
    for (const [space, all] of records)
      for (const { key, value } of all) yield JSON.stringify({ space, key, value });
    for (const log of logs) yield JSON.stringify({ log });
    for (const entry of entries) yield JSON.stringify({ entry });
  })();
  return inPieces(lines, Math.min(snapshotPiece, maxPayload - overhead));
}

/** Fills an empty image with what {@link encodeImage} wrote. */
export function decodeImage(bytes: Uint8Array, image: Image): void {
  for (const line of decoder.decode(bytes).split("\n")) {
    if (line === "") continue;
    const said = JSON.parse(line) as
      | { readonly space: string; readonly key: string; readonly value: string }
      | Parameters<Image["load"]>[0];
    if ("space" in said) image.apply({ type: "put", ...said }, 0);
    else image.load(said);
  }
}

function* inPieces(lines: Iterable<string>, size: number): Generator<Uint8Array> {
  let waiting: string[] = [];
  let length = 0;
  for (const line of lines) {
    waiting.push(line, "\n");
    length += line.length + 1;
    if (length < size) continue;
    yield* cutExactly(encoder.encode(waiting.join("")), size);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield* cutExactly(encoder.encode(waiting.join("")), size);
}

function* cutExactly(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
