import type { ClientSubscribeCallback } from "mqtt";
import type { Subscription } from "../mqtt/subscription.ts";
import type { SubscribeResult } from "./client-event.ts";

type Suback = NonNullable<Parameters<ClientSubscribeCallback>[2]>;

/** One SUBSCRIBE in mqtt.js's form. Its properties are those of the first subscription: whoever calls, groups them. */
export function subscribeOptions(subscriptions: readonly Subscription[], version5: boolean) {
  const topics = Object.fromEntries(
    subscriptions.map((s) => [
      s.topicFilter,
      version5
        ? { qos: s.qos, nl: s.noLocal ?? false, rap: s.retainAsPublished ?? false, rh: s.retainHandling ?? 0 }
        : { qos: s.qos },
    ]),
  );
  const { subscriptionIdentifier, userProperties } = subscriptions[0] ?? {};
  const properties = {
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
  return { topics, options: version5 ? { properties } : {} };
}

/** The answers in a SUBACK, one for each subscription, in order. */
export function subscribeResults({ granted, properties }: Suback): SubscribeResult[] {
  const reasonString = properties?.reasonString ?? null;
  return granted.map((code) => ({ reasonCode: Number(code), reasonString }));
}
