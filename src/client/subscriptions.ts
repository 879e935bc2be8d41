import type { SubscriptionRequest } from "./connection-request.ts";
import { path, type CallOptions, type Http } from "./http.ts";
import type { QoS } from "./message.ts";

export interface SubscriptionOptions extends CallOptions {
  /** Seconds to wait for the broker's answer: 10 unless told, 60 at most. */
  readonly wait?: number;
}

/** A subscription, and what the broker said; null as long as it has not, on the present session. */
export interface Subscription extends SubscriptionRequest {
  readonly qos: QoS;
  readonly grantedQos: QoS | null;
  readonly reasonCode: number | null;
  readonly reasonName: string | null;
  readonly reasonString?: string;
}

/** `…/subscriptions`: kept across reconnects. */
export class Subscriptions {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Subscribes, and waits for the SUBACK. */
  subscribe(
    id: string,
    subscription: SubscriptionRequest,
    { wait, signal }: SubscriptionOptions = {},
  ): Promise<Subscription> {
    const call = { query: { wait }, body: subscription, signal };
    return this.#http.json("POST", path`/connections/${id}/subscriptions`, call);
  }

  /** Unsubscribes, and waits for the UNSUBACK. */
  unsubscribe(id: string, topicFilter: string, { wait, signal }: SubscriptionOptions = {}): Promise<void> {
    // In the query: URLs drop the segments `.` and `..`, which are filters.
    const call = { query: { topicFilter, wait }, signal };
    return this.#http.json("DELETE", path`/connections/${id}/subscriptions`, call);
  }

  async list(id: string, { signal }: CallOptions = {}): Promise<readonly Subscription[]> {
    const { items } = await this.#http.json<{ items: readonly Subscription[] }>(
      "GET",
      path`/connections/${id}/subscriptions`,
      { signal },
    );
    return items;
  }
}
