import type { Budget } from "../budget.ts";
import type { PublishMessage } from "../mqtt/message.ts";
import type { TopicName } from "../mqtt/topic.ts";
import { Problem } from "../problem.ts";
import { StoreError, type Change } from "../store/store.ts";
import type { Announcement } from "./announcement.ts";
import {
  entryView,
  fateView,
  fromStoredEntry,
  toStoredEntry,
  type Fate,
  type OutboxEntry,
} from "./outbox-entry.ts";
import { OutboxSender } from "./outbox-sender.ts";
import type { Publisher } from "./publisher.ts";
import { places, type Keeping } from "./stored-connection.ts";

export interface OutboxLimits {
  /** Messages of one connection that wait or are under way at most. */
  readonly maxOutbox: number;
  /** And bytes of their payloads. */
  readonly maxOutboxBytes: number;
}

export interface OutboxDeps {
  readonly id: string;
  readonly keeping: Keeping;
  readonly limits: OutboxLimits;
  readonly newId: () => string;
  /** Of the bytes in all outboxes. */
  readonly budget: Budget;
}

/** What is known of messages whose fate is known stays for so many of them. */
const keptFates = 1_000;
/** What a message costs besides its payload, where all of them are bounded together: many small ones are much, too. */
const overhead = 512;
/** Timers do not go further. */
const longestTimerMs = 86_400_000;

/**
 * Messages that were accepted to be published when the connection is up: kept before they are accepted, sent in order,
 * at least once, until their fate is known or their time is over. It belongs to the connection's id, and passes from
 * one connection with it to the next.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #sender: OutboxSender;
  /** In the order in which they were accepted; those with a fate are the first to be forgotten. */
  readonly #entries = new Map<string, OutboxEntry>();
  readonly #fates = new Set<string>();
  #order = 0;
  #waiting = 0;
  #bytes = 0;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** Tells of a fate when `along` is kept, in the name of the connection that has the outbox, and in the same commit. */
  announce: (announcement: Announcement, along: readonly Change[]) => void;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#sender = new OutboxSender(
      () => this.#now(),
      (id, fate) => this.#settle(id, fate),
      // Its time may have been over while it was under way.
      ({ expiresAt }) => this.#arm(expiresAt),
    );
    this.announce = (_, changes) => deps.keeping.journal.add({ changes, kept: () => {} }, true);
  }

  /** Messages whose fate is open. */
  get waiting(): number {
    return this.#waiting;
  }

  /** When the oldest of them was accepted; null when there is none. */
  get oldestAt(): number | null {
    return this.#sender.oldest?.acceptedAt ?? null;
  }

  /**
   * Accepts a message, which waits for `queueMs` at most; resolves when it is kept. The same `id` again gives what was
   * accepted before.
   *
   * @throws {Problem} `limit-reached`
   * @throws {StoreError}
   */
  async accept(message: PublishMessage, queueMs: number, id: string | null): Promise<OutboxEntry> {
    const before = id === null ? undefined : this.#entries.get(id);
    if (before !== undefined) return before;
    const bytes = message.payload.length;
    this.#admit(bytes);
    const acceptedAt = this.#now();
    this.#order += 1;
    const { topic, qos, retain } = message;
    const entry: OutboxEntry = {
      id: id ?? this.#deps.newId(),
      order: this.#order,
      topic,
      qos,
      retain,
      bytes,
      acceptedAt,
      expiresAt: acceptedAt + queueMs,
      message,
      fate: null,
    };
    this.#count(1, bytes);
    try {
      await this.#commit([{ ...this.#put(entry), expect: "absent" }, ...this.#deps.keeping.time.note()]);
    } catch (error) {
      this.#count(-1, bytes);
      const again =
        error instanceof StoreError && error.kind === "conflict" ? this.#entries.get(entry.id) : undefined;
      if (again !== undefined) return again;
      throw error;
    }
    // Commits resolve in order, so that these are in it, too.
    this.#entries.set(entry.id, entry);
    this.#sender.add(entry);
    this.#arm(entry.expiresAt);
    return entry;
  }

  /** Puts back what was kept. */
  restore(texts: readonly string[]): void {
    for (const entry of texts.map(fromStoredEntry).toSorted((a, b) => a.order - b.order)) {
      this.#entries.set(entry.id, entry);
      this.#order = entry.order;
      if (entry.fate !== null) this.#fates.add(entry.id);
      else {
        this.#count(1, entry.bytes);
        this.#sender.add(entry);
        this.#arm(entry.expiresAt);
      }
    }
  }

  /** The connection is ready for messages; `publisher` is the one to go through. */
  begin(publisher: Publisher): void {
    this.#expire();
    this.#sender.begin(publisher);
  }

  /** The network connection has gone. */
  end(): void {
    this.#sender.end();
  }

  /** Nothing more is done; what is kept stays. */
  close(): void {
    this.end();
    clearTimeout(this.#timer);
    if (!this.#closed) this.#deps.budget.give(this.#cost);
    this.#closed = true;
  }

  /** As callers see it. */
  view(entry: OutboxEntry): Record<string, unknown> {
    return entryView(entry, this.#sender.isSent(entry.id));
  }

  /** @throws {Problem} `not-found` */
  get(id: string): Record<string, unknown> {
    return this.view(this.#find(id));
  }

  /** A page of those that `wants` has, in the order in which they were accepted, after the one with the id `after`. */
  list(
    state: string | undefined,
    after: string | undefined,
    limit: number,
    wants: (topic: TopicName) => boolean,
  ) {
    const views = [...this.#entries.values()].flatMap((one) => (wants(one.topic) ? [this.view(one)] : []));
    const from = after === undefined ? 0 : views.findIndex(({ id }) => id === after) + 1;
    const found = views.slice(from).filter((view) => state === undefined || view["state"] === state);
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? (items.at(-1)?.["id"] ?? null) : null };
  }

  /**
   * Takes a message out, or forgets its fate; resolves when it is gone for good.
   *
   * @throws {Problem} `not-found`; `outbox-message-sent` when it cannot be taken back
   * @throws {StoreError}
   */
  async remove(id: string): Promise<void> {
    const entry = this.#find(id);
    if (entry.fate === null && !this.#sender.withdraw(id))
      throw new Problem("outbox-message-sent", "The message has been sent, and is not acknowledged yet");
    try {
      await this.#commit([{ type: "delete", space: places.outbox(this.#deps.id), key: id }]);
    } catch (error) {
      if (entry.fate === null) {
        this.#sender.add(entry);
        this.#arm(entry.expiresAt);
      }
      throw error;
    }
    this.#forget(entry);
  }

  #now(): number {
    return this.#deps.keeping.time.now();
  }

  #admit(bytes: number): void {
    const { maxOutbox, maxOutboxBytes } = this.#deps.limits;
    const tooMany = this.#waiting >= maxOutbox;
    if (!tooMany && this.#bytes + bytes <= maxOutboxBytes) {
      const full = this.#deps.budget.check(bytes + overhead);
      if (full !== null) throw full.problem("bytes in outboxes", 5);
      return;
    }
    throw new Problem("limit-reached", {
      detail: "As many messages wait in the outbox of this connection as may",
      limit: tooMany
        ? { name: "CONNACK_MAX_OUTBOX", value: maxOutbox }
        : { name: "CONNACK_MAX_OUTBOX_BYTES", value: maxOutboxBytes },
      retryAfterSeconds: 5,
    });
  }

  #find(id: string): OutboxEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Problem("not-found", "There is no message with this id in the outbox");
    return entry;
  }

  #put(entry: OutboxEntry): Extract<Change, { type: "put" }> {
    return { type: "put", space: places.outbox(this.#deps.id), key: entry.id, value: toStoredEntry(entry) };
  }

  #commit(changes: readonly Change[]): Promise<unknown> {
    const { store, lease } = this.#deps.keeping;
    return store.commit(lease, changes);
  }

  /** Its fate is known. It is told when it is kept; until then a crash means that the message is sent once more. */
  #settle(id: string, fate: Fate): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.fate !== null) return;
    const settled: OutboxEntry = { ...entry, message: null, fate };
    this.#entries.set(id, settled);
    this.#fates.add(id);
    this.#count(-1, entry.bytes);
    const changes: Change[] = [this.#put(settled)];
    for (const oldest of this.#fates) {
      if (this.#fates.size <= keptFates) break;
      this.#fates.delete(oldest);
      this.#entries.delete(oldest);
      changes.push({ type: "delete", space: places.outbox(this.#deps.id), key: oldest });
    }
    const fields = { message: id, topic: entry.topic, qos: entry.qos, ...fateView(fate) };
    this.announce({ type: fate.state, fields }, changes);
  }

  #forget(entry: OutboxEntry): void {
    this.#entries.delete(entry.id);
    if (!this.#fates.delete(entry.id)) this.#count(-1, entry.bytes);
  }

  /** One more or less; what it has counts as long as it is there. */
  #count(by: 1 | -1, bytes: number): void {
    const before = this.#cost;
    this.#waiting += by;
    this.#bytes += by * bytes;
    if (!this.#closed) this.#deps.budget.force(this.#cost - before);
  }

  get #cost(): number {
    return this.#bytes + this.#waiting * overhead;
  }

  /** One timer, for the first that expires. */
  #arm(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const ms = Math.min(longestTimerMs, Math.max(0, at - this.#now()));
    this.#timer = setTimeout(() => this.#expire(), ms);
  }

  #expire(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    const now = this.#now();
    let next = Infinity;
    for (const { id, fate, expiresAt } of this.#entries.values()) {
      if (fate !== null || this.#sender.isSent(id)) continue;
      if (expiresAt > now) next = Math.min(next, expiresAt);
      else if (this.#sender.withdraw(id)) this.#settle(id, { state: "expired", at: now, why: "queue" });
    }
    this.#arm(next);
  }
}
