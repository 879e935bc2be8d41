import type { ClientSubscribeCallback, MqttClient } from "mqtt";
import { generate, type IUnsubackPacket } from "mqtt-packet";
import type { Subscription } from "../mqtt/subscription.ts";
import type { SubscribeResult } from "./client-event.ts";
import { textOf } from "./read-packets.ts";

type Suback = NonNullable<Parameters<ClientSubscribeCallback>[2]>;

/** Sends one SUBSCRIBE with all of `subscriptions`; they share the options of the first. Null when the connection ends first. */
export function sendSubscribe(
  client: MqttClient,
  subscriptions: readonly Subscription[],
  version5: boolean,
): Promise<readonly SubscribeResult[] | null> {
  const { filters, options } = subscribeOptions(subscriptions, version5);
  return new Promise((resolve) => {
    // Nothing may be thrown in the callback: mqtt.js would call it again.
    client.subscribe(filters, options as never, (_error, _granted, packet) => {
      resolve(packet === undefined ? null : subscribeResults(packet));
    });
  });
}

/** Sends UNSUBSCRIBE for one filter. Null when the connection ends first. */
export function sendUnsubscribe(client: MqttClient, topicFilter: string): Promise<SubscribeResult | null> {
  return new Promise((resolve) => {
    client.unsubscribe(topicFilter, (_error, packet) => {
      resolve(packet === undefined ? null : unsubscribeResult(packet as IUnsubackPacket));
    });
  });
}

/**
 * One SUBSCRIBE in mqtt.js's form: filters that share the options of the first, for whoever calls groups them. An
 * object by filter would not do: it has `1` before `a`, one `b` for two, and a meaning of its own for `resubscribe`.
 */
function subscribeOptions(subscriptions: readonly Subscription[], version5: boolean) {
  const filters = subscriptions.map((subscription) => subscription.topicFilter);
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = subscriptions[0] ?? {};
  const { subscriptionIdentifier, userProperties } = subscriptions[0] ?? {};
  const properties = {
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
  const flags = { nl: noLocal, rap: retainAsPublished, rh: retainHandling, properties };
  return { filters, options: { qos, ...(version5 ? flags : {}) } };
}

/** The bytes of a SUBSCRIBE for one subscription in version 5 (§3.8). */
export function subscribeLength(subscription: Subscription): number {
  const { filters, options } = subscribeOptions([subscription], true);
  const { qos, properties = {} } = options;
  const subscriptions = filters.map((topic) => ({ topic, qos }));
  return generate({ cmd: "subscribe", messageId: 1, subscriptions, properties }, { protocolVersion: 5 })
    .length;
}

/** The answers in a SUBACK, one for each subscription, in order. */
function subscribeResults({ granted, properties }: Suback): SubscribeResult[] {
  const reasonString = textOf(properties?.reasonString);
  return granted.map((code) => ({ reasonCode: Number(code), reasonString }));
}

/** The answer in an UNSUBACK for one filter; before version 5 it has no code (MQTT 3.1.1 §3.11). */
function unsubscribeResult({ granted, properties }: IUnsubackPacket): SubscribeResult {
  const codes: readonly number[] | undefined = granted;
  return { reasonCode: codes?.[0] ?? 0, reasonString: textOf(properties?.reasonString) };
}
