import { unlimited, type Budget } from "../budget.ts";
import { timestamp, type Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Journal } from "../store/journal.ts";
import type { Change, StoredEntry } from "../store/store.ts";
import { FrameCache } from "../stream/frame.ts";
import { OrderedLog, type Entry, type Position } from "../stream/log.ts";
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

/** The events of one connection; `stored` is the log's name in the store, null where it lives in memory alone. */
export interface ConnectionLog {
  readonly log: OrderedLog<LifecycleEntry>;
  readonly stored: string | null;
}

/** What an operator wants to see without asking; the rest is for debugging. */
const levels: Partial<Record<AnnouncementType, "warn" | "info">> = {
  connected: "info",
  disconnected: "info",
  refused: "warn",
  error: "warn",
  failed: "warn",
  "subscription-refused": "warn",
  rejected: "warn",
  closed: "info",
};

/** Each connection keeps so many of its own events, and so many bytes of them. */
const perConnection = { maxEntries: 1_000, maxBytes: 1_048_576 };
/** How an event begins: all else of it is not looked at. The ids of connections need no escaping. */
const beginningOf = /^"type":"([^"\\]*)","at":"[^"\\]*","connection":"([^"\\]*)"/;
/** The name in the store of the log of all. */
const allName = "events";
/** What has left a log in memory leaves the store when so many have come, all at once. */
const trimEvery = 256;

/**
 * Writes lifecycle events: each goes into the log of its connection and into the log of all, under one id. Ids are of
 * one sequence, so that what happened first has the smaller one whatever the connection. With a journal, an event can be
 * read as soon as it is kept, so that its id outlives the process.
 */
export class Lifecycle {
  readonly all: OrderedLog<LifecycleEntry>;
  readonly frames = new FrameCache();
  readonly #epoch: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #journal: Journal | null;
  readonly #budget: Budget;
  /** Events that could not be written, since too much waited. */
  readonly #lost = new Map<OrderedLog<LifecycleEntry>, number>();
  readonly #untrimmed = new Map<string, number>();
  #sequence = 0;

  /** Without a journal events live in memory, and `epoch` is never the same twice. Of `budget` all logs take their bytes. */
  constructor(
    epoch: string,
    clock: Clock,
    logger: Logger,
    maxEvents: number,
    journal: Journal | null = null,
    budget: Budget = unlimited(),
  ) {
    this.#epoch = epoch;
    this.#clock = clock;
    this.#logger = logger;
    this.#journal = journal;
    this.#budget = budget;
    this.all = new OrderedLog(epoch, { maxEntries: maxEvents, maxBytes: maxEvents * 2_048 }, budget);
  }

  /** A log for a new connection; `stored` names it in the store. */
  newLog(stored: string | null = null): ConnectionLog {
    return {
      log: new OrderedLog(this.#epoch, perConnection, this.#budget),
      stored: this.#journal === null ? null : stored,
    };
  }

  /** Fills a log with what was kept of it. */
  fill(log: OrderedLog<LifecycleEntry>, entries: readonly StoredEntry[]): void {
    for (const { position, data } of entries) {
      const [, type, connection] = beginningOf.exec(data) ?? [];
      if (type === undefined || connection === undefined)
        throw new Error(`The event at ${position} is stored in a form that this version does not know`);
      log.append(this.#entryOf(position, type, connection, data));
    }
  }

  /** Where the log of all is in the store. */
  get storedAll(): string {
    return allName;
  }

  /** `along` is kept in the same commit, with a journal, however much waits for it. */
  append(
    to: ConnectionLog,
    subject: Subject,
    announcement: Announcement,
    along: readonly Change[] = [],
  ): void {
    const { connection, state } = subject;
    const { type, fields } = announcement;
    const level = levels[type] ?? "debug";
    // There are many of these that nobody reads.
    let isNoted = level === "debug" && this.#logger.level !== "debug";
    const note = () => {
      if (!isNoted) this.#logger[level](`connection ${type}`, { connection, state, ...fields });
      isNoted = true;
    };
    const lost = this.#lost.get(to.log) ?? 0;
    if (lost > 0 && this.#write(to, subject, "gap", { reason: "store-away", lost }))
      this.#lost.delete(to.log);
    if (this.#write(to, subject, type, fields, along, note)) return;
    this.#lost.set(to.log, (this.#lost.get(to.log) ?? 0) + 1);
    if (this.#journal?.isClosed !== true) note();
  }

  /**
   * Ends a connection's log behind its last event. With `removal` the log is not kept any longer, and neither is what
   * that removes; null where the process ends, and not the connection.
   */
  end({ log, stored }: ConnectionLog, removal: (() => readonly Change[]) | null): void {
    this.#lost.delete(log);
    const end = () => log.close();
    if (this.#journal === null) return end();
    if (stored !== null) this.#untrimmed.delete(stored);
    const drop: Change[] = stored === null || removal === null ? [] : [{ type: "drop", log: stored }];
    const changes = () => [...(removal?.() ?? []), ...drop];
    if (!this.#journal.add({ changes, kept: end }, true)) end();
  }

  /** Resolves when what happened until now can be read, or the store is away. */
  settled(): Promise<void> {
    return this.#journal?.settled() ?? Promise.resolve();
  }

  #write(
    { log, stored }: ConnectionLog,
    { connection, state, version, flags }: Subject,
    type: string,
    fields: Readonly<Record<string, unknown>>,
    along: readonly Change[] = [],
    note: () => void = () => {},
  ): boolean {
    const at = timestamp(this.#clock.wall());
    const data = JSON.stringify({ type, at, connection, state, version, flags, ...fields }).slice(1);
    const place = (position: Position) => {
      const entry = this.#entryOf(position, type, connection, data);
      log.append(entry);
      this.all.append(entry);
    };
    if (this.#journal === null) {
      this.#sequence += 1;
      place(this.#sequence);
      note();
      return true;
    }
    const logs = stored === null ? [allName] : [allName, stored];
    const trims = [
      this.#trim(allName, this.all),
      ...(stored === null ? [] : [this.#trim(stored, log)]),
    ].flat();
    const changes: Change[] = [...along, { type: "append", logs, data }, ...trims];
    const kept = ([position = 0]: readonly Position[]) => {
      place(position);
      note();
    };
    // What is not this node's to tell any more is in no log of its own either: another one has the connection.
    return this.#journal.add({ changes, kept, delayed: note }, along.length > 0);
  }

  #trim(name: string, log: OrderedLog): Change[] {
    const count = (this.#untrimmed.get(name) ?? 0) + 1;
    this.#untrimmed.set(name, count % trimEvery);
    return count < trimEvery || log.beginning === 0
      ? []
      : [{ type: "trim", log: name, through: log.beginning }];
  }

  #entryOf(sequence: Position, type: string, connection: string, data: string): LifecycleEntry {
    return { sequence, type, connection, json: `{"id":"${this.all.idOf(sequence)}",${data}` };
  }
}
