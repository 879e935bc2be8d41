import { subscribeLength } from "../broker/subscribe.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { subscriptionFieldsOfVersion5, type Subscription } from "../mqtt/subscription.ts";
import { hasWildcard, isShared } from "../mqtt/topic.ts";
import { Problem } from "../problem.ts";
import { brokerLimit } from "./publish-problems.ts";

const limits = {
  0x95: ["maximumPacketSize", "The SUBSCRIBE would be larger than the broker takes (MQTT 5 §3.2.2.3.6)"],
  0x9e: ["sharedSubscriptionAvailable", "The broker takes no shared subscriptions (MQTT 5 §3.2.2.3.13)"],
  0xa1: [
    "subscriptionIdentifiersAvailable",
    "The broker takes no subscription identifiers (MQTT 5 §3.2.2.3.12)",
  ],
  0xa2: ["wildcardSubscriptionAvailable", "The broker takes no wildcards in filters (MQTT 5 §3.2.2.3.11)"],
} as const;

/** The reason code with which the broker would disconnect us if this were sent (§3.2.2.3.6, §3.2.2.3.11 to 13). */
export function unsupported(subscription: Subscription, negotiated: Negotiated): keyof typeof limits | null {
  if (isShared(subscription.topicFilter) && !negotiated.sharedSubscriptionAvailable) return 0x9e;
  if (hasWildcard(subscription.topicFilter) && !negotiated.wildcardSubscriptionAvailable) return 0xa2;
  if (subscription.subscriptionIdentifier !== undefined && !negotiated.subscriptionIdentifiersAvailable)
    return 0xa1;
  if (subscribeLength(subscription) > negotiated.maximumPacketSize) return 0x95;
  return null;
}

/** The same, as a call is told. */
export function subscriptionRefusal(subscription: Subscription, negotiated: Negotiated): Problem | null {
  const code = unsupported(subscription, negotiated);
  if (code === null) return null;
  const [name, detail] = limits[code];
  return brokerLimit(name, Number(negotiated[name]), detail);
}

/** A connection has as many subscriptions as it may; those that the broker has yet to answer count. */
export function tooManySubscriptions(most: number): Problem {
  return new Problem("limit-reached", {
    detail: `This connection has ${most} subscriptions, which is as many as it may`,
    limit: { name: "CONNACK_MAX_SUBSCRIPTIONS", value: most },
    retryAfterSeconds: 10,
  });
}

/** Options that only version 5 has, on a connection that speaks an older one. */
export function version5OnlyProblem(subscription: Subscription, version: ProtocolVersion): Problem | null {
  if (version === "5") return null;
  const errors = subscriptionFieldsOfVersion5
    .filter((name) => subscription[name] !== undefined)
    .map((name) => ({
      pointer: `/${name}`,
      detail: `exists only in MQTT 5; this connection speaks ${version}`,
    }));
  const [first] = errors;
  if (first === undefined) return null;
  return new Problem("invalid-request", { detail: `${first.pointer}: ${first.detail}`, errors });
}
