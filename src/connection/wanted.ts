import type { Budget } from "../budget.ts";
import type { SubscribeResult } from "../broker/client-event.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import { matches, type TopicFilter, type TopicName } from "../mqtt/topic.ts";
import type { Link } from "./link.ts";

/** A subscription as it stands with the broker. */
export interface SubscriptionState {
  readonly subscription: Subscription;
  readonly result: SubscribeResult | null;
}

/** What should be subscribed, and what is known of it; and what the session may have besides, which nobody wants. */
export interface KnownSubscriptions {
  readonly wanted: readonly SubscriptionState[];
  readonly unwanted: readonly TopicFilter[];
}

/** A subscription that somebody wants. */
export interface Wanted {
  readonly subscription: Subscription;
  /** A resource of its own; the others are there as long as a call holds them. */
  readonly kept: boolean;
  /** Calls that read by it. */
  readonly holders: number;
  /** What the broker answered on the present session; null while it has not, or may have forgotten. */
  readonly result: SubscribeResult | null;
}

/** Also when the broker refused it; what nobody wants stays noted until the broker is known not to have it. */
export function isWanted({ kept, holders }: Wanted): boolean {
  return kept || holders > 0;
}

/** As it stands, but for the retained messages: these come. */
export function withRetained(subscription: Subscription, { protocolVersion }: Link): Subscription {
  return protocolVersion === "5" ? { ...subscription, retainHandling: 0 } : subscription;
}

export function isGranted(result: SubscribeResult | null): boolean {
  return result !== null && result.reasonCode < 0x80;
}

/** What is wanted on one connection, by filter, oldest first; and what the broker has of it. */
export class WantedSubscriptions extends Map<TopicFilter, Wanted> {
  readonly #saved: (() => Promise<void>) | null;
  /** What they are counted in; null for those of a connection that is nobody's yet, or no more. */
  #budget: Budget | null = null;

  /** `saved` resolves when {@link known} is kept as it is then; null where it is not. */
  constructor({ wanted, unwanted }: KnownSubscriptions, saved: (() => Promise<void>) | null) {
    super();
    this.#saved = saved;
    for (const { subscription, result } of wanted)
      this.set(subscription.topicFilter, { subscription, kept: true, holders: 0, result });
    for (const topicFilter of unwanted)
      this.set(topicFilter, { subscription: { topicFilter, qos: 0 }, kept: false, holders: 0, result: null });
  }

  /** From here on they count. */
  countIn(budget: Budget): void {
    this.#budget = budget;
    budget.force(this.size);
  }

  /** They are nobody's any more. */
  release(): void {
    this.#budget?.give(this.size);
    this.#budget = null;
  }

  override set(topicFilter: TopicFilter, wanted: Wanted): this {
    const before = this.size;
    super.set(topicFilter, wanted);
    if (this.size > before) this.#budget?.force();
    return this;
  }

  override delete(topicFilter: TopicFilter): boolean {
    const had = super.delete(topicFilter);
    if (had) this.#budget?.give();
    return had;
  }

  /** What another process goes on with, for which the calls that read have ended. */
  get known(): KnownSubscriptions {
    const all = [...this.values()];
    return {
      wanted: all.filter(({ kept }) => kept).map(({ subscription, result }) => ({ subscription, result })),
      unwanted: all.filter(({ kept }) => !kept).map(({ subscription }) => subscription.topicFilter),
    };
  }

  /**
   * Whether a retained message to this topic belongs to any of them but the one with exactly that filter; and to that
   * one where it may be live, for it shows the flag as it was published (§3.8.3.1).
   */
  covers(topic: TopicName): boolean {
    for (const [filter, { subscription }] of this) {
      const exactly = (filter as string) === topic && subscription.retainAsPublished !== true;
      if (!exactly && matches(filter, topic)) return true;
    }
    return false;
  }

  note(topicFilter: TopicFilter, result: SubscribeResult | null): void {
    const wanted = this.get(topicFilter);
    if (wanted !== undefined) this.set(topicFilter, { ...wanted, result });
  }

  count(topicFilter: TopicFilter, by: number): void {
    const wanted = this.get(topicFilter);
    if (wanted !== undefined) this.set(topicFilter, { ...wanted, holders: wanted.holders + by });
  }

  /**
   * What the broker has is not known from here until it answers: should the network connection go, or the process, it is
   * made again, or let go. `needed`, nothing is to be sent before that is kept.
   *
   * @throws {StoreError} then all is as it was
   */
  async doubt(wanted: Wanted, needed: boolean): Promise<void> {
    const { topicFilter } = wanted.subscription;
    const before = this.get(topicFilter);
    this.set(topicFilter, { ...wanted, result: null });
    if (this.#saved === null) return;
    try {
      await this.#saved();
    } catch (error) {
      if (!needed) return;
      if (before === undefined) this.delete(topicFilter);
      else this.note(topicFilter, before.result);
      throw error;
    }
  }
}
