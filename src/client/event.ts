import type { Connection, Flags, State } from "./connection.ts";
import type { Message } from "./message.ts";

/** The types of events that a connection has of its own. */
export type LifecycleType =
  | "connecting"
  | "connected"
  | "refused"
  | "error"
  | "disconnected"
  | "waiting"
  | "failed"
  | "closing"
  | "closed"
  | "subscribed"
  | "unsubscribed"
  | "subscription-refused"
  | "delivered"
  | "expired"
  | "rejected"
  | "moved";

/** Something that happened to a connection; what its type says beside this stands under further names. */
export interface LifecycleEvent {
  readonly type: LifecycleType;
  /** To go on after it: `after`. */
  readonly id: string;
  readonly at: string;
  readonly connection: string;
  readonly state: State;
  readonly version: number;
  readonly flags: Flags;
  readonly [field: string]: unknown;
}

/** Comes first on every stream, when one was lost and opened again, too: how things are. */
export interface SnapshotEvent {
  readonly type: "snapshot";
  readonly at: string;
  /** On streams of one connection. */
  readonly connection?: string;
  readonly view?: Connection;
  /** On streams of several. */
  readonly total?: number;
  readonly states?: Readonly<Record<State, number>>;
}

/** What came between is not kept any more: `expired`, or too much for this reader (`slow-consumer`), or the log is another one (`restarted`, `unknown`). */
export interface GapEvent {
  readonly type: "gap";
  readonly requested: string;
  /** The oldest that is kept. */
  readonly oldest: string | null;
  readonly reason: "expired" | "restarted" | "unknown" | "slow-consumer";
}

/** The server ends the stream, which is opened again: since it stops (`shutdown`), or the token is over (`unauthorized`). */
export interface EndingEvent {
  readonly type: "shutdown" | "unauthorized";
  readonly at: string;
}

export type ConnackEvent = LifecycleEvent | SnapshotEvent | GapEvent | EndingEvent;

/** A message, or what there is to say of the stream that brings them. */
export type MessageEvent = ({ readonly type: "message" } & Message) | GapEvent | EndingEvent;
