import { IncomingStore } from "../broker/incoming-store.ts";
import type { Clock } from "../clock.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { KeptInbound } from "./kept-inbound.ts";
import { Messages } from "./messages.ts";
import { places, type Keeping } from "./stored-connection.ts";

/** What of a session can outlive the process, and then passes to a connection that takes the place of this one. */
export interface SessionParts {
  readonly messages: Messages;
  readonly incoming: IncomingStore;
}

export interface PartsOptions {
  readonly id: string;
  readonly request: Pick<ConnectionRequest, "log">;
  /** Names the message log. */
  readonly epoch: string;
  readonly clock: Clock;
  /** Null where nothing outlives the process. */
  readonly keeping: Keeping | null;
}

/** Parts of a session that begins. */
export function newParts({ id, request, epoch, clock, keeping }: PartsOptions): SessionParts {
  const bounds = { maxEntries: request.log.messages, maxBytes: request.log.bytes };
  if (keeping === null || !request.log.durable)
    return { messages: new Messages(epoch, bounds, clock.wall), incoming: new IncomingStore() };
  const inbound = new KeptInbound(keeping.store, keeping.lease);
  const space = places.incoming(id);
  const put = (packetId: number, value: string) =>
    inbound.add([{ type: "put", space, key: String(packetId), value }], value.length);
  const clear = () => inbound.add([{ type: "clear", space }], 0);
  return {
    messages: new Messages(epoch, bounds, clock.wall, {
      name: places.messageLog(id, epoch),
      inbound,
      incoming: space,
    }),
    incoming: new IncomingStore(undefined, { put, clear }),
  };
}
