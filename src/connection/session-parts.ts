import { v7 as uuidv7 } from "uuid";
import { IncomingStore } from "../broker/incoming-store.ts";
import type { Budgets } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import type { Change } from "../store/store.ts";
import type { LogBounds } from "../stream/log.ts";
import { KeptInbound } from "./kept-inbound.ts";
import { Messages } from "./messages.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import { places, type Keeping } from "./stored-connection.ts";

/** What of a session can outlive the process, and then passes to a connection that takes the place of this one. */
export interface SessionParts {
  readonly messages: Messages;
  readonly incoming: IncomingStore;
  /** Null where the connection does not outlive the process. */
  readonly outbox: Outbox | null;
}

export interface PartsOptions {
  readonly id: string;
  readonly request: Pick<ConnectionRequest, "log">;
  readonly limits: OutboxLimits;
  readonly budgets: Pick<Budgets, "outboxBytes" | "logBytes">;
  /** Names the message log. */
  readonly epoch: string;
  readonly clock: Clock;
  /** Null where nothing outlives the process. */
  readonly keeping: Keeping | null;
}

/** Those of the message log. */
export function boundsOf({ log }: PartsOptions["request"]): LogBounds {
  return { maxEntries: log.messages, maxBytes: log.bytes };
}

/** Parts of a session that begins. */
export function newParts(options: PartsOptions): SessionParts {
  const { id, request, limits, budgets, epoch, clock, keeping } = options;
  const { logBytes } = budgets;
  const bounds = boundsOf(request);
  const newId = () => `o_${uuidv7()}`;
  const outbox = keeping && new Outbox({ id, keeping, limits, newId, budget: budgets.outboxBytes });
  if (keeping === null || !request.log.durable)
    return {
      messages: new Messages(epoch, bounds, clock.wall, null, logBytes),
      incoming: new IncomingStore(),
      outbox,
    };
  const inbound = new KeptInbound(keeping.store, keeping.lease);
  const space = places.incoming(id, epoch);
  const keptMessages = { name: places.messageLog(id, epoch), inbound, incoming: space };
  const put = (packetId: number, value: string) =>
    inbound.add([{ type: "put", space, key: String(packetId), value }], value.length);
  const clear = () => inbound.add([{ type: "clear", space }], 0);
  return {
    messages: new Messages(epoch, bounds, clock.wall, keptMessages, logBytes),
    incoming: new IncomingStore(undefined, { put, clear }),
    outbox,
  };
}

/** What removes from the store what came, and is kept there. */
export function removalOf({ messages: { keeping } }: SessionParts): Change[] {
  if (keeping === null) return [];
  return [
    { type: "drop", log: keeping.name },
    { type: "clear", space: keeping.incoming },
  ];
}
