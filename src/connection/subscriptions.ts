import { unlimited, type Budget } from "../budget.ts";
import type { SubscribeResult } from "../broker/client-event.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import { Problem } from "../problem.ts";
import { Turns } from "../turns.ts";
import type { Announcement } from "./announcement.ts";
import type { Link } from "./link.ts";
import { lostUnanswered, refusalProblem } from "./publish-problems.ts";
import { batches } from "./subscribe-batches.ts";
import {
  subscriptionRefusal,
  tooManySubscriptions,
  unsupported,
  version5OnlyProblem,
} from "./subscribe-limits.ts";
import { refused, subscribed, unsubscribed } from "./subscription-events.ts";
import {
  isGranted,
  isWanted,
  withRetained,
  WantedSubscriptions,
  type KnownSubscriptions,
  type SubscriptionState,
} from "./wanted.ts";

/** The answer to SUBSCRIBE; `created` is false where the subscription had been there. */
export interface Subscribed {
  readonly result: SubscribeResult;
  readonly created: boolean;
}

/** Stands for an answer that a SUBACK lacks. */
const noAnswer: SubscribeResult = { reasonCode: 0x80, reasonString: null };

/**
 * What should be subscribed on a connection, and what the broker granted. Calls on one filter go one after another: the
 * broker keeps one subscription for each (MQTT 5 §3.8.4).
 */
export class Subscriptions {
  readonly #tell: (announcement: Announcement) => void;
  readonly #most: number;
  readonly #budget: Budget;
  readonly #wanted: WantedSubscriptions;
  /** Calls on one filter go one after another. */
  readonly #turns = new Turns();
  #link: Link | null = null;

  /** `saved` resolves when {@link known} is kept; null where it is not. */
  constructor(
    known: KnownSubscriptions,
    most: number,
    tell: (announcement: Announcement) => void,
    saved: (() => Promise<void>) | null,
    budget: Budget = unlimited(),
  ) {
    this.#tell = tell;
    this.#most = most;
    this.#budget = budget;
    this.#wanted = new WantedSubscriptions(known, saved);
  }

  /** How many there are, those included that the broker may have and nobody wants. */
  get size(): number {
    return this.#wanted.size;
  }

  /** From here on they count: the connection is one of those that there are. */
  enter(): void {
    this.#wanted.countIn(this.#budget);
  }

  /** The connection is closed. */
  leave(): void {
    this.#wanted.release();
  }

  /** What another process goes on with. */
  get known(): KnownSubscriptions {
    return this.#wanted.known;
  }

  /** Those that are resources, oldest first. */
  list(): readonly SubscriptionState[] {
    return this.#wanted.known.wanted;
  }

  find(topicFilter: string): SubscriptionState | null {
    const wanted = this.#wanted.get(topicFilter as TopicFilter);
    return wanted?.kept === true ? wanted : null;
  }

  /** As {@link WantedSubscriptions.covers}. */
  covers(topic: TopicName): boolean {
    return this.#wanted.covers(topic);
  }

  /**
   * The connection is ready: makes those subscriptions that the session does not have. They are made anew after each
   * CONNACK without session present (§3.2.2.1.1); on a session found present, only those not granted on it.
   */
  async begin(link: Link): Promise<void> {
    this.#link = link;
    for (const [filter, wanted] of this.#wanted) {
      if (isWanted(wanted)) {
        if (!link.sessionPresent) this.#wanted.note(filter, null);
      } else if (link.sessionPresent) void this.#letGo(filter);
      else this.#wanted.delete(filter);
    }
    const missing = [...this.#wanted.values()]
      .filter((wanted) => isWanted(wanted) && !isGranted(wanted.result))
      .map(({ subscription }) => subscription);
    const possible = missing.filter((subscription) => {
      const code = unsupported(subscription, link.negotiated);
      if (code === null) return true;
      this.#answered(link, subscription, { reasonCode: code, reasonString: null }, "client");
      return false;
    });
    // All at once: those with options of their own have a packet each, and should not wait for one another.
    const asked = batches(possible, link.negotiated.maximumPacketSize).map((batch) => ({
      batch,
      answer: link.client.subscribe(batch),
    }));
    for (const { batch, answer } of asked) {
      const results = await answer;
      if (results === null) return;
      for (const [index, subscription] of batch.entries())
        this.#answered(link, subscription, results[index] ?? noAnswer, "broker");
    }
  }

  /** The network connection has gone. */
  end(): void {
    this.#link = null;
  }

  /**
   * Subscribes and keeps the subscription, across reconnects. A refusal changes nothing of what was there.
   *
   * @throws {Problem} `invalid-request`, `broker-limit`, `limit-reached`, `connection-lost`, or the broker's refusal
   */
  add(subscription: Subscription, link: Link, caller: AbortSignal): Promise<Subscribed> {
    const { topicFilter } = subscription;
    return this.#turns.take(topicFilter, async () => {
      const before = this.#wanted.get(topicFilter);
      const created = before?.kept !== true;
      const result = await this.#subscribe(subscription, link, true);
      const holders = this.#wanted.get(topicFilter)?.holders ?? 0;
      if (caller.aborted && created) {
        // Nobody was told, so nothing is kept; unless a call reads by it.
        this.#wanted.set(topicFilter, { subscription, kept: false, holders, result });
        void this.#letGo(topicFilter);
        return { result, created };
      }
      this.#wanted.set(topicFilter, { subscription, kept: true, holders, result });
      this.#tell(subscribed(subscription, result, link.protocolVersion));
      return { result, created };
    });
  }

  /**
   * Unsubscribes, and forgets the subscription when the broker has. One by which a call reads goes when that ends.
   *
   * @throws {Problem} `not-found`, `connection-lost`, or the broker's refusal
   */
  remove(topicFilter: TopicFilter, link: Link): Promise<void> {
    return this.#turns.take(topicFilter, async () => {
      const wanted = this.#wanted.get(topicFilter);
      if (wanted?.kept !== true) throw new Problem("not-found", "There is no subscription with this filter");
      if (wanted.holders > 0) {
        this.#wanted.set(topicFilter, { ...wanted, kept: false });
        return;
      }
      await this.#unsubscribe(topicFilter, link);
    });
  }

  /**
   * Subscribes for as long as the returned function has not been called, sharing what is there already; `again`, the
   * broker is asked all the same, and sends the retained messages once more (§3.8.3.1). What that function returns
   * resolves when the broker has unsubscribed, if it was the last to call.
   *
   * @throws {Problem} as {@link add}
   */
  hold(
    subscription: Subscription,
    link: Link,
    caller: AbortSignal,
    again = false,
  ): Promise<() => Promise<void>> {
    const { topicFilter } = subscription;
    return this.#turns.take(topicFilter, async () => {
      const before = this.#wanted.get(topicFilter);
      const there = before !== undefined && isGranted(before.result);
      if (there && again) await this.#subscribe(withRetained(before.subscription, link), link, false);
      if (!there) {
        // One that is wanted already is asked for as it is wanted.
        const asked = before !== undefined && isWanted(before) ? before.subscription : subscription;
        const result = await this.#subscribe(asked, link, false);
        const { kept = false, holders = 0 } = this.#wanted.get(topicFilter) ?? {};
        this.#wanted.set(topicFilter, { subscription: asked, kept, holders, result });
        // One that the broker had refused before.
        if (kept) this.#tell(subscribed(asked, result, link.protocolVersion));
      }
      this.#wanted.count(topicFilter, 1);
      let released: Promise<void> | null = null;
      const release = () => {
        if (released === null) this.#wanted.count(topicFilter, -1);
        return (released ??= this.#letGo(topicFilter));
      };
      // Whoever has left calls nothing.
      if (caller.aborted) void release();
      return release;
    });
  }

  async #subscribe(subscription: Subscription, link: Link, kept: boolean): Promise<SubscribeResult> {
    const wrong = version5OnlyProblem(subscription, link.protocolVersion);
    if (wrong !== null) throw wrong;
    const limit = subscriptionRefusal(subscription, link.negotiated);
    if (limit !== null) throw limit;
    const { topicFilter } = subscription;
    const before = this.#wanted.get(topicFilter);
    if (before === undefined) this.#refuseWhenFull();
    // Counted, and let go when it is lost: the session may have it all the same.
    const passing = { subscription, kept: false, holders: 0, result: null };
    if (before === undefined || kept) await this.#wanted.doubt(before ?? passing, kept);
    const results = await link.client.subscribe([subscription]);
    if (results === null) {
      // One that was there may be another one now.
      this.#wanted.note(topicFilter, null);
      throw lostUnanswered("SUBACK");
    }
    const result = results[0] ?? noAnswer;
    if (isGranted(result)) return result;
    if (before === undefined) this.#wanted.delete(topicFilter);
    else this.#wanted.note(topicFilter, before.result);
    const { protocolVersion } = link;
    if (kept) this.#tell(refused(subscription, result, "broker", protocolVersion));
    throw refusalProblem("subscription", { packet: "suback", ...result, protocolVersion });
  }

  /** @throws {Problem} `limit-reached` */
  #refuseWhenFull(): void {
    if (this.#wanted.size >= this.#most) throw tooManySubscriptions(this.#most);
    const full = this.#budget.check();
    if (full !== null) throw full.problem("subscriptions", 10);
  }

  async #unsubscribe(topicFilter: TopicFilter, link: Link): Promise<void> {
    const before = this.#wanted.get(topicFilter);
    if (before !== undefined) await this.#wanted.doubt(before, before.kept);
    const result = await link.client.unsubscribe(topicFilter);
    if (result === null) throw lostUnanswered("UNSUBACK");
    const { protocolVersion } = link;
    if (result.reasonCode >= 0x80) {
      this.#wanted.note(topicFilter, before?.result ?? null);
      throw refusalProblem("unsubscribe", { packet: "unsuback", ...result, protocolVersion });
    }
    const wanted = this.#wanted.get(topicFilter);
    this.#wanted.delete(topicFilter);
    if (wanted?.kept === true) this.#tell(unsubscribed(topicFilter, result, protocolVersion));
  }

  /** Unsubscribes what nobody wants any more. While the broker is away that waits: the session may still have it. */
  #letGo(topicFilter: TopicFilter): Promise<void> {
    return this.#turns.take(topicFilter, async () => {
      const wanted = this.#wanted.get(topicFilter);
      const link = this.#link;
      if (wanted === undefined || isWanted(wanted) || link === null) return;
      await this.#unsubscribe(topicFilter, link).catch((error: unknown) => {
        if (error instanceof Problem && error.code === "connection-lost") return;
        this.#wanted.delete(topicFilter);
      });
    });
  }

  /** Notes what came of one that is made again. Calls that read hear nothing; there are no events about them. */
  #answered(
    link: Link,
    subscription: Subscription,
    result: SubscribeResult,
    from: "broker" | "client",
  ): void {
    const wanted = this.#wanted.get(subscription.topicFilter);
    // It may have been given up meanwhile.
    if (wanted?.subscription !== subscription) return;
    this.#wanted.note(subscription.topicFilter, result);
    if (!wanted.kept) return;
    if (isGranted(result)) this.#tell(subscribed(subscription, result, link.protocolVersion));
    else this.#tell(refused(subscription, result, from, link.protocolVersion));
  }
}
