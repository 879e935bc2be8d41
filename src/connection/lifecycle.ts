import { timestamp, type Clock } from "../clock.ts";
import { FrameCache } from "../stream/frame.ts";
import { OrderedLog, type Entry } from "../stream/log.ts";
import type { Logger } from "../log.ts";
import type { Announcement, AnnouncementType } from "./announcement.ts";
import type { Flags } from "./view.ts";
import type { StateName } from "./state.ts";

/** A lifecycle event in a log. */
export interface LifecycleEntry extends Entry {
  readonly connection: string;
}

/** The state that an event leaves behind; GET shows the same until the next event. */
export interface Subject {
  readonly connection: string;
  readonly state: StateName;
  readonly version: number;
  readonly flags: Flags;
}

/** What an operator wants to see without asking; the rest is for debugging. */
const levels: Partial<Record<AnnouncementType, "warn" | "info">> = {
  connected: "info",
  disconnected: "info",
  refused: "warn",
  error: "warn",
  failed: "warn",
  "subscription-refused": "warn",
  closed: "info",
};

/** Each connection keeps so many of its own events, and so many bytes of them. */
const perConnection = { maxEntries: 1_000, maxBytes: 1_048_576 };

/**
 * Writes lifecycle events: each goes into the log of its connection and into the log of all, under one id. Ids are of
 * one sequence, so that what happened first has the smaller one whatever the connection.
 */
export class Lifecycle {
  readonly all: OrderedLog<LifecycleEntry>;
  readonly frames = new FrameCache();
  readonly #epoch: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sequence = 0;

  constructor(epoch: string, clock: Clock, logger: Logger, maxEvents: number) {
    this.#epoch = epoch;
    this.#clock = clock;
    this.#logger = logger;
    this.all = new OrderedLog(epoch, { maxEntries: maxEvents, maxBytes: maxEvents * 2_048 });
  }

  /** A log for a new connection. */
  newLog(): OrderedLog<LifecycleEntry> {
    return new OrderedLog(this.#epoch, perConnection);
  }

  append(
    log: Pick<OrderedLog<LifecycleEntry>, "append" | "idOf">,
    { connection, state, version, flags }: Subject,
    { type, fields }: Announcement,
  ): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const at = timestamp(this.#clock.wall());
    const json = JSON.stringify({
      id: log.idOf(sequence),
      type,
      at,
      connection,
      state,
      version,
      flags,
      ...fields,
    });
    const entry = { sequence, type, connection, json };
    this.#logger[levels[type] ?? "debug"](`connection ${type}`, { connection, state, ...fields });
    log.append(entry);
    this.all.append(entry);
  }
}
