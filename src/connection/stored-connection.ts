import type { Failure } from "../broker/failure.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { fromStored, toStored } from "../request/stored-request.ts";
import type { Sealer } from "../sealing.ts";
import type { StoredTime } from "../stored-time.ts";
import type { Journal } from "../store/journal.ts";
import type { Lease, Store } from "../store/store.ts";
import type { KnownSubscriptions } from "./wanted.ts";

/** What keeps connections over the end of the process. */
export interface Keeping {
  readonly store: Store;
  readonly lease: Lease;
  readonly sealer: Sealer;
  /** For what is written some time, in order, and not given up. */
  readonly journal: Journal;
  readonly time: StoredTime;
}

/** All that is kept of a connection, besides what its logs and its outbox hold. Times are epoch milliseconds. */
export interface StoredConnection {
  readonly request: ConnectionRequest;
  /** Names its event log; another one for each connection, also under the same id. */
  readonly incarnation: string;
  /** Names its message log, which a connection that takes its place goes on with; null where that is not kept. */
  readonly messages: string | null;
  readonly clientId: string;
  /** The version that `auto` settled on. */
  readonly settledVersion: ProtocolVersion | null;
  readonly createdAt: number;
  /** Somebody was promised that it stays. */
  readonly kept: boolean;
  /** It has given up, and is not to be dialled by itself. */
  readonly failed: { readonly failure: Failure; readonly at: number } | null;
  /** What is subscribed, with what the broker granted on the session that it may still have. */
  readonly subscriptions: KnownSubscriptions;
}

/** Where in the store what belongs to a connection is. */
export const places = {
  connections: "connections",
  eventLogs: "events/",
  messageLogs: "messages/",
  incomings: "incoming/",
  outboxes: "outbox/",
  eventLog: (id: string, incarnation: string) => `events/${id}/${incarnation}`,
  messageLog: (id: string, epoch: string) => `messages/${id}/${epoch}`,
  /** QoS 2 messages that the broker has not released, by packet identifier; they go with the message log. */
  incoming: (id: string, epoch: string) => `incoming/${id}/${epoch}`,
  outbox: (id: string) => `outbox/${id}`,
} as const;

interface Row extends Omit<StoredConnection, "request"> {
  readonly version: 1;
  readonly request: string;
}

const contextOf = (id: string) => `connection/${id}`;

/** The request as it is stored; secrets are sealed. */
export function storedRequest(id: string, request: ConnectionRequest, sealer: Sealer): Promise<string> {
  return toStored(request, (plain) => sealer.seal(plain, contextOf(id)));
}

/** The text of a record; `request` is of {@link storedRequest}. */
export function toRecord(state: StoredConnection, request: string): string {
  const row: Row = { ...state, version: 1, request };
  return JSON.stringify(row);
}

/** A record as it is in the store, and the request as it is in that. */
export interface KeptRecord {
  readonly value: string;
  readonly storedRequest: string;
}

/** What a record says, and the request in it as it was stored. */
export interface ReadRecord {
  readonly was: StoredConnection;
  readonly storedRequest: string;
  /** Whether its secrets, if there are any, are sealed with the key that seals now. */
  readonly isSealedAnew: boolean;
}

/** @throws what reading the request throws */
export async function fromRecord(id: string, text: string, sealer: Sealer): Promise<ReadRecord> {
  const { version, request, ...rest } = JSON.parse(text) as Row;
  if (version !== 1)
    throw new Error(`The connection ${id} is stored in a form that this version does not know`);
  let isSealedAnew = true;
  const open = (sealed: string) => {
    isSealedAnew = sealer.isCurrent(sealed);
    return sealer.open(sealed, contextOf(id));
  };
  const was = { ...rest, request: await fromStored(request, open) };
  return { was, storedRequest: request, isSealedAnew };
}
