/**
 * The tunnel carries HTTP calls over core NATS from the node that got them to the one that owns what they are about.
 *
 * Every node has one inbox, `<prefix>.<random>`, and one subscription on `<inbox>.*`, whatever the number of calls. What is
 * sent are frames, one a message, with integers in network order:
 *
 *     octet  0      version, 1
 *     octet  1      kind
 *     octets 2-5    the receiver's number of the call; in `open` the sender's, in `ping` 0
 *     octets 6-9    sequence number in this call and direction, from 1 on, which wraps
 *     octets 10-    by kind
 *
 * - `open` (1), to the owner's subject, with the reply subject `<inbox>.o<number>`, where the server says that nobody is
 *   there: 4 octets of length, the head of the request as JSON, the first of the body's bytes.
 * - `accept` (2), the first from the owner: as JSON its inbox, its number of the call, and how much it takes of the body.
 * - `head` (3): 4 octets of length, the head of the answer as JSON, the first of its body's bytes.
 * - `piece` (4): bytes of a body. `end` (5): that was all of it. The end of the answer is that of the call.
 * - `credit` (6): 4 octets, so much more may be sent. A piece costs its length and 64, so that small ones are no way to
 *   fill memory. The head's bytes cost, the opening's do where more will follow.
 * - `abort` (7): the call is over, and why, as a word of {@link reasons}; from the caller's side also that it went away.
 * - `ping` (8), once a second between two nodes that have calls with each other: 2 octets of length, the sender's inbox, and
 *   for every call 4 octets of its number and 4 of the last sequence number sent in it. One that lists calls is answered, by a node
 *   that knows none, with one that lists none.
 *
 * All but `open` and what answers it go to `<inbox>.f`. Core NATS delivers at most once, and in order. A frame that was lost
 * shows by the next one's sequence number, or by two pings; a node that has forgotten a call, by two pings without it; one
 * that is gone, by its silence, or since nobody is there for two pings. A call that has lost something is failed, not mended.
 */
import { asHead, type Head } from "./tunnel-head.ts";

export const reasons = {
  cancelled: "the caller went away",
  broken: "the body broke off",
  lost: "something was lost on the way",
  forgotten: "the other node does not know the call any more",
  silent: "the other node has not been heard of for too long",
  gone: "the other node is gone",
  late: "the answer has not begun in time",
  full: "the other node has as many calls as it may",
  refused: "the other node does not take such a call",
  "not-serving": "the other node does not own this any more",
  closing: "the other node stops",
  disconnected: "the connection to NATS was lost",
} as const;

export type Reason = keyof typeof reasons;

export type Frame = { readonly id: number; readonly seq: number } & FrameBody;

type FrameBody =
  | { readonly kind: "open"; readonly head: Head; readonly first: Uint8Array<ArrayBuffer> }
  | { readonly kind: "head"; readonly head: Head; readonly first: Uint8Array<ArrayBuffer> }
  | { readonly kind: "accept"; readonly inbox: string; readonly theirId: number; readonly window: number }
  | { readonly kind: "piece"; readonly piece: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "credit"; readonly credit: number }
  | { readonly kind: "abort"; readonly reason: Reason }
  | { readonly kind: "ping"; readonly inbox: string; readonly calls: ReadonlyMap<number, number> };

const version = 1;
const kinds = ["open", "accept", "head", "piece", "end", "credit", "abort", "ping"] as const;
/** Octets before those that are by kind. */
const fixed = 10;
/** What a frame takes besides a head and a body's bytes. */
export const frameOverhead = fixed + 4;
const nothing = new Uint8Array(0);

export const encodeAccept = (id: number, seq: number, inbox: string, ownId: number, window: number): Buffer =>
  frame("accept", id, seq, Buffer.from(JSON.stringify({ inbox, id: ownId, window })));

/** The head as it is sent, made before the frame so that one knows how many bytes of the body fit beside it. */
export const encodeHead = (head: Head): Buffer => Buffer.from(JSON.stringify(head));

export function encodeStart(
  kind: "open" | "head",
  id: number,
  seq: number,
  head: Buffer,
  first: Uint8Array,
): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(head.length);
  return frame(kind, id, seq, length, head, first);
}

export const encodePiece = (id: number, seq: number, piece: Uint8Array): Buffer =>
  frame("piece", id, seq, piece);

export const encodeEnd = (id: number, seq: number): Buffer => frame("end", id, seq);

export function encodeCredit(id: number, seq: number, credit: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(credit);
  return frame("credit", id, seq, bytes);
}

export const encodeAbort = (id: number, seq: number, reason: Reason): Buffer =>
  frame("abort", id, seq, Buffer.from(reason));

export function encodePing(
  inbox: string,
  calls: readonly { readonly id: number; readonly seq: number }[],
): Buffer {
  const name = Buffer.from(inbox);
  const bytes = Buffer.allocUnsafe(2 + name.length + 8 * calls.length);
  bytes.writeUInt16BE(name.length);
  bytes.set(name, 2);
  let at = 2 + name.length;
  for (const { id, seq } of calls) {
    bytes.writeUInt32BE(id, at);
    bytes.writeUInt32BE(seq, at + 4);
    at += 8;
  }
  return frame("ping", 0, 0, bytes);
}

function frame(kind: (typeof kinds)[number], id: number, seq: number, ...rest: Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(rest.reduce((sum, { length }) => sum + length, fixed));
  bytes[0] = version;
  bytes[1] = kinds.indexOf(kind) + 1;
  bytes.writeUInt32BE(id, 2);
  bytes.writeUInt32BE(seq, 6);
  let at = fixed;
  for (const each of rest) {
    bytes.set(each, at);
    at += each.length;
  }
  return bytes;
}

/** Null where it is none: it may come from whoever may publish. What it holds is its own, not the message's. */
export function decode(message: Uint8Array): Frame | null {
  if (message.length < fixed || message[0] !== version) return null;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const body = decodeBody(kinds[(bytes[1] ?? 0) - 1], bytes.subarray(fixed));
  return body === null ? null : { id: bytes.readUInt32BE(2), seq: bytes.readUInt32BE(6), ...body };
}

function decodeBody(kind: (typeof kinds)[number] | undefined, rest: Buffer): FrameBody | null {
  switch (kind) {
    case "open":
    case "head":
      return decodeStart(kind, rest);
    case "accept":
      return decodeAccept(rest);
    case "piece":
      return rest.length === 0 ? null : { kind, piece: own(rest) };
    case "end":
      return rest.length === 0 ? { kind } : null;
    case "credit":
      return rest.length === 4 ? { kind, credit: rest.readUInt32BE() } : null;
    case "abort": {
      const reason = rest.toString("latin1");
      return Object.hasOwn(reasons, reason) ? { kind, reason: reason as Reason } : null;
    }
    case "ping":
      return decodePing(rest);
    default:
      return null;
  }
}

function decodeStart(kind: "open" | "head", rest: Buffer): FrameBody | null {
  if (rest.length < 4) return null;
  const end = 4 + rest.readUInt32BE();
  const head = end > rest.length ? null : asHead(parse(rest.subarray(4, end)));
  return head === null ? null : { kind, head, first: own(rest.subarray(end)) };
}

function decodeAccept(rest: Buffer): FrameBody | null {
  const value = parse(rest);
  if (typeof value !== "object" || value === null) return null;
  const { inbox, id, window } = value as Record<string, unknown>;
  if (typeof inbox !== "string" || !isUint32(id) || !isUint32(window)) return null;
  return { kind: "accept", inbox, theirId: id, window };
}

function decodePing(rest: Buffer): FrameBody | null {
  if (rest.length < 2) return null;
  const start = 2 + rest.readUInt16BE();
  if (start > rest.length || (rest.length - start) % 8 !== 0) return null;
  const calls = new Map<number, number>();
  for (let at = start; at < rest.length; at += 8) calls.set(rest.readUInt32BE(at), rest.readUInt32BE(at + 4));
  return { kind: "ping", inbox: rest.toString("latin1", 2, start), calls };
}

/** A message shares its memory with all that came with it, which a small piece would keep. */
function own(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return bytes.length === 0 ? nothing : new Uint8Array(bytes);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}
