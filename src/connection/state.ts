import type { Established, SentDisconnect } from "../broker/attempt-event.ts";
import type { Failure } from "../broker/failure.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { Announcement } from "./announcement.ts";
import type { RetryPolicy } from "./retry.ts";

/** Why an attempt begins. */
export type DialCause = "create" | "replace" | "reconnect" | "retry" | "lost" | "restart";

/** Why a connection is gone. */
export type CloseCause = "deleted" | "replaced" | "refused" | "caller-left" | "idle" | "shutdown";

/**
 * Where a connection is. Times are epoch milliseconds.
 *
 * connecting → connected | waiting | failed; connected → waiting | failed | closing; waiting → connecting | failed;
 * failed → connecting; and each → closed, `connected` by way of `closing`.
 */
export type State =
  | { readonly name: "connecting"; readonly since: number; readonly attempt: number }
  | {
      readonly name: "connected";
      readonly since: number;
      readonly attempt: number;
      readonly established: Established;
      readonly negotiated: Negotiated;
    }
  | { readonly name: "waiting"; readonly since: number; readonly until: number; readonly failure: Failure }
  | { readonly name: "failed"; readonly since: number; readonly failure: Failure }
  | {
      readonly name: "closing";
      readonly since: number;
      readonly attempt: number;
      readonly cause: CloseCause;
    }
  | { readonly name: "closed"; readonly since: number; readonly cause: CloseCause };

export type StateName = State["name"];

/** The last reason code on the wire, in a CONNACK or DISCONNECT (MQTT 5 §2.4). */
export interface LastReason {
  readonly packet: "connack" | "disconnect";
  readonly from: "broker" | "client";
  readonly code: number;
  readonly name: string;
  readonly text: string | null;
  readonly protocolVersion: string;
  readonly at: number;
}

/** A connection's state, with what outlives each state. Replaced whole by {@link next}, never changed. */
export interface Machine {
  readonly state: State;
  readonly policy: RetryPolicy;
  /** Grows with each change that a caller can see. */
  readonly version: number;
  /** Attempts begun, ever; also the number of the newest one. */
  readonly attempts: number;
  /** Attempts that failed since the last CONNACK success. */
  readonly failedInARow: number;
  /** Failures and short-lived connections in a row; sets the back-off. */
  readonly unstableInARow: number;
  readonly connects: number;
  readonly disconnects: number;
  readonly connectedAt: number | null;
  /** What the last CONNACK settled; kept while reconnecting, so that a client id or a version is not lost. */
  readonly established: Established | null;
  readonly negotiated: Negotiated | null;
  readonly lastReason: LastReason | null;
  readonly lastError: { readonly failure: Failure; readonly at: number } | null;
  /** False while a synchronous POST waits: its first failure closes the connection, and nothing is kept. */
  readonly kept: boolean;
}

/** What happens to a connection. Events of an attempt carry its number; those of an old attempt change nothing. */
export type Event =
  /** `restart` gives up an attempt under way; `timeoutMs` bounds this attempt more tightly than the request does. */
  | {
      readonly type: "dial";
      readonly cause: DialCause;
      readonly restart: boolean;
      readonly timeoutMs: number | null;
    }
  | {
      readonly type: "connected";
      readonly attempt: number;
      readonly established: Established;
      readonly negotiated: Negotiated;
    }
  | { readonly type: "failed"; readonly attempt: number; readonly failure: Failure; readonly random: number }
  | {
      readonly type: "lost";
      readonly attempt: number;
      readonly failure: Failure;
      readonly sent: SentDisconnect | null;
      readonly random: number;
    }
  | { readonly type: "timer" }
  | { readonly type: "keep" }
  | ({ readonly type: "close" } & CloseOptions);

export interface CloseOptions {
  readonly cause: CloseCause;
  /** Given to what is in flight before DISCONNECT goes out. */
  readonly drainMs: number;
  /** Cuts the network connection without DISCONNECT, so that the broker publishes the will. */
  readonly force: boolean;
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number | undefined;
}

/** What is to be done after a transition, in this order. */
export type Effect =
  | { readonly type: "dial"; readonly attempt: number; readonly timeoutMs: number | null }
  | { readonly type: "cancel" }
  | {
      readonly type: "disconnect";
      /** Given to what is in flight before DISCONNECT goes out. */
      readonly drainMs: number;
      readonly reasonCode: number;
      readonly sessionExpiryInterval?: number | undefined;
    }
  | { readonly type: "watch"; readonly keepAlive: number }
  /** One timer: arming it replaces it. */
  | { readonly type: "arm"; readonly at: number }
  | { readonly type: "disarm" }
  | { readonly type: "announce"; readonly announcement: Announcement };

export interface Transition {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

/** What a connection that comes back has been. */
export interface Past {
  /** Greater than any that was shown before. */
  readonly version: number;
  readonly failed: { readonly failure: Failure; readonly at: number } | null;
}

/** A connection of which nothing has happened in this process; `dial` comes next, unless it had given up. */
export function initialMachine(
  policy: RetryPolicy,
  kept: boolean,
  now: number,
  { version, failed }: Past = { version: 0, failed: null },
): Machine {
  return {
    state:
      failed === null
        ? { name: "connecting", since: now, attempt: 0 }
        : { name: "failed", since: failed.at, failure: failed.failure },
    policy,
    version,
    attempts: 0,
    failedInARow: 0,
    unstableInARow: 0,
    connects: 0,
    disconnects: 0,
    connectedAt: null,
    established: null,
    negotiated: null,
    lastReason: null,
    lastError: failed,
    kept,
  };
}
