import type { PublishTimes } from "./publish-times.ts";
import type { Budgets } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import { generateClientId, type ConnectionRequest } from "../request/connection-request.ts";
import type { Connection } from "./connection.ts";
import type { KeeperStart } from "./keeper.ts";
import { newParts, type SessionParts } from "./session-parts.ts";
import { initialMachine, type Machine } from "./state.ts";
import type { OutboxLimits } from "./outbox.ts";
import { places, type Keeping, type KeptRecord, type StoredConnection } from "./stored-connection.ts";
import type { KnownSubscriptions } from "./wanted.ts";

/** What a connection begins as. */
export interface Origin {
  readonly kept: boolean;
  /** Used where the request has none. */
  readonly clientId?: string | null;
  /** What it was before the process ended, with a version that none of it has shown. */
  readonly stored?: {
    readonly was: StoredConnection;
    readonly version: number;
    /** Null where it is to be written anew. */
    readonly kept: KeptRecord | null;
  };
  /** Whose place it takes: it goes on with what that one keeps. */
  readonly predecessor?: Connection;
}

/** What a connection is made of that its origin decides. */
export interface Beginning {
  readonly machine: Machine;
  /** Names what is its own in the store. */
  readonly incarnation: string;
  readonly createdAt: number;
  readonly clientId: string;
  readonly parts: SessionParts;
  readonly subscriptions: KnownSubscriptions;
  readonly record: KeeperStart;
}

export interface BeginningDeps {
  readonly limits: OutboxLimits;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly publishTimes?: PublishTimes;
  /** In [0, 1). */
  readonly random: () => number;
  /** Names a log; never the same twice. */
  readonly newEpoch: () => string;
  /** Null for what does not outlive the process, or where nothing does. */
  readonly keeping: Keeping | null;
}

export function beginningOf(
  id: string,
  request: ConnectionRequest,
  origin: Origin,
  { limits, budgets, clock, random, newEpoch, keeping }: BeginningDeps,
): Beginning {
  const was = origin.stored?.was;
  const past = origin.stored && { version: origin.stored.version, failed: origin.stored.was.failed };
  // Asked for one, the broker has assigned it; with another one its session would be out of reach.
  const asked = request.clientId === "" ? (was?.clientId ?? "") : request.clientId;
  return {
    machine: initialMachine(request.reconnect, origin.kept, clock.wall(), past),
    incarnation: was?.incarnation ?? newEpoch(),
    createdAt: was?.createdAt ?? clock.wall(),
    clientId: asked ?? was?.clientId ?? origin.clientId ?? generateClientId(request.protocolVersion, random),
    parts: inherited(
      origin,
      request,
      newParts({ id, request, limits, budgets, epoch: was?.messages ?? newEpoch(), clock, keeping }),
    ),
    subscriptions: was?.subscriptions ?? begun(origin, request),
    record: {
      first: goesOn(origin) ? [] : [{ type: "clear", space: places.outbox(id) }],
      kept: origin.stored?.kept ?? null,
    },
  };
}

/** Those of the request; what the session may have of the connection before it, and is not among them, is let go. */
function begun({ predecessor }: Origin, { subscriptions }: ConnectionRequest): KnownSubscriptions {
  const before = predecessor?.session.subscriptions.known ?? { wanted: [], unwanted: [] };
  const filters = [...before.wanted.map(({ subscription }) => subscription.topicFilter), ...before.unwanted];
  const asked = new Set(subscriptions.map(({ topicFilter }) => topicFilter));
  return {
    wanted: subscriptions.map((subscription) => ({ subscription, result: null })),
    unwanted: filters.filter((filter) => !asked.has(filter)),
  };
}

/**
 * Whether there is an outbox under this id that is this connection's. Where there is none, what became of messages of a
 * former one may still be there: it was kept while that one drained, and the process ended before it was cleaned up.
 */
function goesOn({ stored, predecessor }: Origin): boolean {
  return stored !== undefined || (predecessor?.session.parts.outbox ?? null) !== null;
}

/** What was acknowledged, or accepted, is not lost because the request has changed. */
function inherited({ predecessor }: Origin, { log }: ConnectionRequest, fresh: SessionParts): SessionParts {
  const old = predecessor?.session.parts;
  if (old === undefined || fresh.outbox === null || predecessor?.isForgotten === true) return fresh;
  const outbox = old.outbox ?? fresh.outbox;
  if (old.messages.keeping === null || !log.durable) return { ...fresh, outbox };
  return { ...old, outbox };
}
