import type { MessageEntry } from "../connection/messages.ts";
import { matches } from "../mqtt/topic.ts";
import type { Change } from "../store/store.ts";
import type { Entry, OrderedLog } from "../stream/log.ts";
import type { Gap, LogKind } from "./body.ts";
import { Cursor } from "./cursor.ts";
import { Lane, type LaneDeps } from "./lane.ts";
import { forgetCursor, keepCursor, laneKey, type Place } from "./records.ts";
import type { Webhook } from "./webhook.ts";

/** What webhooks need of a connection. */
export interface ConnectionLogs {
  readonly id: string;
  readonly log: OrderedLog;
  readonly session: { readonly messages: { readonly log: OrderedLog<MessageEntry> } };
}

/** A lane, and whose it is. */
export interface LaneOf {
  readonly connection: string;
  readonly kind: LogKind;
}

export interface LanesDeps {
  /** The webhook as it is now. */
  readonly webhook: () => Webhook;
  /** What a lane needs, but for what is done here. */
  readonly laneDeps: (of: LaneOf) => Omit<LaneDeps, "orphaned" | "ended">;
  /** A lane has ended, and its place is to leave the store. */
  readonly forget: (change: Change) => void;
  /** Something was gone before it was read. */
  readonly onGap: (gap: Gap) => void;
  /** So many entries of a connection that is gone are given up. */
  readonly lost: (of: LaneOf, count: number, change: Change) => void;
}

/** What says which lanes there are to be. */
export type Wanted = Pick<Webhook, "connection" | "topics" | "events">;

const kinds: readonly LogKind[] = ["messages", "events"];

/** Connections that are gone and whose logs are still read, at most: each log stays in memory for it. */
const mostOrphans = 100;

/** The lanes of one webhook, by connection and log. */
export class Lanes {
  readonly #deps: LanesDeps;
  readonly #lanes = new Map<string, Lane>();
  readonly #orphans = new Map<string, LaneOf>();
  /** Those that the store has, of lanes that are not there yet. */
  readonly #places = new Map<string, Place>();

  constructor(deps: LanesDeps) {
    this.#deps = deps;
  }

  /** The store has this place for a lane to come. */
  place(lane: string, place: Place): void {
    this.#places.set(lane, place);
  }

  /** The lanes whose places nobody has taken. */
  get unclaimed(): readonly string[] {
    return [...this.#places.keys()];
  }

  unplace(lane: string): void {
    this.#places.delete(lane);
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** When the next one is tried again, in epoch milliseconds. */
  get nextAttemptAt(): number | null {
    let next: number | null = null;
    for (const { nextAttemptAt: at } of this.#lanes.values())
      if (at !== null && (next === null || at < next)) next = at;
    return next;
  }

  /**
   * Places at the ends of logs for the lanes that a webhook with these fields would have and this one has not, to be
   * kept and then {@link Lanes.place}d. An absent one stands for the beginning, so that empty logs need none. `had` is what
   * was wanted before, where lanes of that may be still to come.
   */
  tails(
    wanted: Wanted,
    connections: Iterable<ConnectionLogs>,
    had: Wanted | null = null,
  ): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const connection of connections) {
      for (const kind of kinds) {
        const key = laneKey(connection.id, kind);
        const log = logOf(connection, kind);
        const isToCome = had !== null && (this.#places.has(key) || wants(had, connection.id, kind));
        if (wants(wanted, connection.id, kind) && !this.#lanes.has(key) && !isToCome && log.tail > 0)
          found.set(key, log.idOf(log.tail));
      }
    }
    return found;
  }

  /** Begins to read a connection's logs, each from its place. */
  attach(connection: ConnectionLogs): void {
    for (const kind of kinds) {
      if (!wants(this.#deps.webhook(), connection.id, kind)) continue;
      const key = laneKey(connection.id, kind);
      const log = logOf(connection, kind);
      const lane = this.#lanes.get(key);
      if (lane === undefined) this.#open(key, { connection: connection.id, kind }, log);
      else {
        lane.cursor.follow(log);
        this.#orphans.delete(key);
        lane.wake();
      }
    }
  }

  /** The webhook has changed: what is under way begins anew, and the lanes that are not wanted any more end. */
  refresh(): void {
    for (const [key, lane] of this.#lanes) {
      lane.pause();
      const { connection, kind } = laneOf(key);
      if (!wants(this.#deps.webhook(), connection, kind)) this.#end(key, lane);
      else {
        lane.cursor.refresh();
        lane.wake();
      }
    }
  }

  pause(): void {
    for (const lane of this.#lanes.values()) lane.pause();
  }

  resume(): void {
    for (const lane of this.#lanes.values()) lane.wake();
  }

  /** For good. */
  stop(): void {
    for (const lane of this.#lanes.values()) lane.stop();
  }

  /** What keeps the places that the store does not have. */
  get unkept(): readonly Change[] {
    const { id } = this.#deps.webhook();
    return [...this.#lanes].flatMap(([key, { unkept }]) =>
      unkept === null ? [] : [keepCursor(id, key, { id: unkept, tries: null })],
    );
  }

  /** What takes the places out of the store. */
  get removal(): readonly Change[] {
    const { id } = this.#deps.webhook();
    return [...this.#lanes.keys(), ...this.#places.keys()].map((key) => forgetCursor(id, key));
  }

  #open(key: string, of: LaneOf, log: OrderedLog): void {
    const place = this.#places.get(key) ?? { id: null, tries: null };
    this.#places.delete(key);
    const { webhook, onGap } = this.#deps;
    const cursor = new Cursor(log, place.id, (entry) => isWanted(webhook(), of.kind, entry), onGap);
    const lane = new Lane(cursor, place, {
      ...this.#deps.laneDeps(of),
      orphaned: () => this.#orphaned(key, of),
      ended: () => this.#end(key, lane),
    });
    this.#lanes.set(key, lane);
    lane.wake();
  }

  #end(key: string, lane: Lane): void {
    lane.stop();
    this.#lanes.delete(key);
    this.#orphans.delete(key);
    this.#deps.forget(forgetCursor(this.#deps.webhook().id, key));
  }

  #orphaned(key: string, of: LaneOf): void {
    this.#orphans.set(key, of);
    if (this.#orphans.size <= mostOrphans) return;
    const [oldest] = this.#orphans;
    const lane = oldest === undefined ? undefined : this.#lanes.get(oldest[0]);
    if (oldest === undefined || lane === undefined) return;
    lane.stop();
    this.#lanes.delete(oldest[0]);
    this.#orphans.delete(oldest[0]);
    this.#deps.lost(oldest[1], lane.cursor.left, forgetCursor(this.#deps.webhook().id, oldest[0]));
  }
}

function logOf({ log, session }: ConnectionLogs, kind: LogKind): OrderedLog {
  return kind === "messages" ? session.messages.log : log;
}

/** Whether a webhook reads this log at all. */
function wants({ connection, topics, events }: Wanted, id: string, kind: LogKind): boolean {
  if (connection !== null && connection !== id) return false;
  return (kind === "messages" ? topics : events).length > 0;
}

function isWanted({ topics, events }: Wanted, kind: LogKind, entry: Entry): boolean {
  // The message log has nothing but messages.
  if (kind === "messages") return topics.some((filter) => matches(filter, (entry as MessageEntry).topic));
  return events.some((type) => type === "*" || type === entry.type);
}

function laneOf(key: string): LaneOf {
  const slash = key.lastIndexOf("/");
  return { connection: key.slice(0, slash), kind: key.endsWith("/messages") ? "messages" : "events" };
}
