import type { PublishMessage } from "../mqtt/message.ts";
import { Problem } from "../problem.ts";
import { rejection, type Fate, type OutboxEntry } from "./outbox-entry.ts";
import type { Published, Publisher } from "./publisher.ts";

interface Queued {
  readonly entry: OutboxEntry;
  /** Handed to the publisher of the present network connection. */
  submitted: boolean;
  /** How often the connection was lost while this was the only one under way. */
  losses: number;
}

/** Under way at once at most: the rest of the send quota is for those who wait. */
const window = 100;
/** A message that has ended so many connections by itself ends none any more. */
const mostLosses = 3;
const busyRetryMs = 1_000;

/** Outcomes after which the same message can go out later. */
const transient = new Set([
  "connection-lost",
  "not-connected",
  "temporarily-not-connected",
  "connection-closed",
  "shutting-down",
  "limit-reached",
  "broker-quota-exceeded",
]);

/**
 * Sends what waits, in order, over one network connection after another. After a loss, or a broker that has had enough,
 * one message goes at a time until one has arrived: so the message that a broker cannot bear is found, and rejected.
 */
export class OutboxSender {
  readonly #now: () => number;
  readonly #settle: (id: string, fate: Fate) => void;
  readonly #onWaiting: (entry: OutboxEntry) => void;
  readonly #queue = new Map<string, Queued>();
  #publisher: Publisher | null = null;
  #underWay = 0;
  #lastOrder = 0;
  /** Outcomes may be told within the call that submits. */
  #pumping = false;
  #cautious = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** `onWaiting` hears of each that waits again, having been sent. */
  constructor(
    now: () => number,
    settle: (id: string, fate: Fate) => void,
    onWaiting: (entry: OutboxEntry) => void,
  ) {
    this.#now = now;
    this.#settle = settle;
    this.#onWaiting = onWaiting;
  }

  /** In the order of the calls; one that is put back goes where its place is. */
  add(entry: OutboxEntry): void {
    this.#queue.set(entry.id, { entry, submitted: false, losses: 0 });
    if (entry.order < this.#lastOrder) this.#sort();
    this.#lastOrder = Math.max(this.#lastOrder, entry.order);
    this.#pump();
  }

  /** The first in order of those that wait or are under way. */
  get oldest(): OutboxEntry | null {
    for (const { entry } of this.#queue.values()) return entry;
    return null;
  }

  isSent(id: string): boolean {
    return this.#queue.get(id)?.submitted === true;
  }

  /** Takes one out that has not been sent; false when it has. */
  withdraw(id: string): boolean {
    return !this.isSent(id) && this.#queue.delete(id);
  }

  begin(publisher: Publisher): void {
    this.#publisher = publisher;
    this.#pump();
  }

  end(): void {
    this.#publisher = null;
    clearTimeout(this.#retry);
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#submitAll();
    this.#pumping = false;
  }

  #submitAll(): void {
    for (const queued of this.#queue.values()) {
      if (this.#publisher === null || this.#underWay >= (this.#cautious ? 1 : window)) return;
      if (!queued.submitted) this.#submit(this.#publisher, queued);
    }
  }

  #submit(publisher: Publisher, queued: Queued): void {
    const { entry } = queued;
    const message = this.#aged(entry);
    if (message === null) {
      this.#end(queued, { state: "expired", at: this.#now(), why: "messageExpiryInterval" });
      return;
    }
    queued.submitted = true;
    this.#underWay += 1;
    publisher.submit(message, (outcome) => {
      this.#underWay -= 1;
      this.#ended(publisher, queued, outcome);
    });
  }

  /** With its Message Expiry Interval less the time that it has waited (as MQTT 5 §3.3.2.3.3 has it of brokers). */
  #aged({ message, acceptedAt }: OutboxEntry): PublishMessage | null {
    const interval = message?.properties?.messageExpiryInterval;
    if (message === null || interval === undefined) return message;
    const left = interval - Math.floor((this.#now() - acceptedAt) / 1_000);
    if (left <= 0) return null;
    return { ...message, properties: { ...message.properties, messageExpiryInterval: left } };
  }

  #ended(publisher: Publisher, queued: Queued, outcome: Published | Problem): void {
    const at = this.#now();
    if (!(outcome instanceof Problem)) {
      this.#cautious = false;
      this.#end(queued, { state: "delivered", at, acknowledgement: outcome.acknowledgement });
    } else if (!transient.has(outcome.code)) this.#end(queued, rejection(outcome, at));
    else if (outcome.code === "connection-lost") this.#lost(queued, at);
    else this.#later(publisher, queued, outcome);
    this.#pump();
  }

  /** Whether the broker has it is not known. */
  #lost(queued: Queued, at: number): void {
    queued.submitted = false;
    if (this.#cautious && this.#underWay === 0) queued.losses += 1;
    this.#cautious = true;
    if (queued.losses < mostLosses) return this.#onWaiting(queued.entry);
    const detail = `The connection was lost ${mostLosses} times in a row over this message alone`;
    this.#end(queued, { state: "rejected", at, code: "connection-lost", detail, mqtt: null });
  }

  #later(publisher: Publisher, queued: Queued, { code }: Problem): void {
    queued.submitted = false;
    this.#onWaiting(queued.entry);
    if (code !== "limit-reached" && code !== "broker-quota-exceeded") {
      if (this.#publisher === publisher) this.#publisher = null;
      return;
    }
    this.#cautious = true;
    this.#publisher = null;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.begin(publisher), busyRetryMs);
  }

  #end({ entry }: Queued, fate: Fate): void {
    this.#queue.delete(entry.id);
    this.#settle(entry.id, fate);
  }

  #sort(): void {
    const sorted = [...this.#queue].toSorted(([, a], [, b]) => a.entry.order - b.entry.order);
    this.#queue.clear();
    for (const [id, queued] of sorted) this.#queue.set(id, queued);
  }
}
