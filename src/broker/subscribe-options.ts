import type { ClientSubscribeCallback } from "mqtt";
import type { Subscription } from "../mqtt/subscription.ts";
import type { SubscribeResult } from "./client-event.ts";

type Suback = NonNullable<Parameters<ClientSubscribeCallback>[2]>;

/**
 * One SUBSCRIBE in mqtt.js's form: filters that share the options of the first, for whoever calls groups them. An
 * object by filter would not do: it has `1` before `a`, one `b` for two, and a meaning of its own for `resubscribe`.
 */
export function subscribeOptions(subscriptions: readonly Subscription[], version5: boolean) {
  const filters = subscriptions.map((subscription) => subscription.topicFilter);
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = subscriptions[0] ?? {};
  const { subscriptionIdentifier, userProperties } = subscriptions[0] ?? {};
  const properties = {
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
  const flags = version5 ? { nl: noLocal, rap: retainAsPublished, rh: retainHandling, properties } : {};
  return { filters, options: { qos, ...flags } };
}

/** The answers in a SUBACK, one for each subscription, in order. */
export function subscribeResults({ granted, properties }: Suback): SubscribeResult[] {
  const reasonString = properties?.reasonString ?? null;
  return granted.map((code) => ({ reasonCode: Number(code), reasonString }));
}
