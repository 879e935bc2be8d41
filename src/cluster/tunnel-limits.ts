import { frameOverhead } from "./tunnel-frame.ts";
import { leastWindow } from "./tunnel-flow.ts";

export interface TunnelLimits {
  /**
   * Calls under way that came to this node, and as many that it serves for others; more are refused. Of the first, half are
   * not for parts of an answer of all shards, which takes as many as there are: a few readers would have them all.
   */
  readonly mostCalls: number;
  /** What the bodies of calls under way may fill at this node. Each call takes its part when it begins, or is refused. */
  readonly mostBufferedBytes: number;
  /** What one direction of a call may fill, while there is plenty. */
  readonly windowBytes: number;
  /** Of a request or an answer, as JSON, without the body. */
  readonly mostHeadBytes: number;
  /** A node that was not heard of for so long is lost, and with it the calls. */
  readonly silentMs: number;
  /** Nodes that have calls with each other say so this often. */
  readonly pingMs: number;
  /** What this node's rights in NATS let it subscribe to, and all others publish to. */
  readonly inboxPrefix: string;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const defaultTunnelLimits: TunnelLimits = {
  // As many as have the least window in the room for bodies.
  mostCalls: 16_384,
  mostBufferedBytes: 268_435_456,
  windowBytes: 262_144,
  mostHeadBytes: 65_536,
  silentMs: 5_000,
  pingMs: 1_000,
  inboxPrefix: "_INBOX",
  now: () => performance.now(),
  random: Math.random,
};

const mostPieceBytes = 131_072;
/** What a ping takes for each call, and without any. */
const pingBytes = 8;
const emptyPingBytes = 1_024;

/**
 * How many bytes of a body go into one message of a server that takes `maxPayload`, beside the largest head.
 *
 * @throws {RangeError} for the operator, when that is too little for a head, or for a ping with all calls
 */
export function pieceBytes({ mostCalls, mostHeadBytes }: TunnelLimits, maxPayload: number): number {
  const bytes = Math.min(mostPieceBytes, maxPayload - frameOverhead - mostHeadBytes);
  const least = Math.max(frameOverhead + mostHeadBytes + leastWindow, emptyPingBytes + mostCalls * pingBytes);
  if (maxPayload < least)
    throw new RangeError(`max_payload of the NATS server is ${maxPayload}, and ${least} is the least`);
  return bytes;
}
