import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import type { Problem } from "../problem.ts";
import { publishForbidden, requirePublish, requireScope, requireSubscribe } from "./forbidden.ts";
import type { Principal } from "./principal.ts";
import { mayPublish, mayRead } from "./topic-rights.ts";

/** What a connection request does by itself: what it subscribes to, and what the broker publishes when it is lost. */
interface Acting {
  readonly subscriptions: readonly { readonly topicFilter: TopicFilter }[];
  readonly will?: { readonly topic: TopicName } | undefined;
}

/**
 * What a principal could not do over the connection, it cannot have done by opening it.
 *
 * @throws {Problem} `forbidden`
 */
export function requireRequest(principal: Principal, { subscriptions, will }: Acting): void {
  for (const { topicFilter } of subscriptions) requireReading(principal, topicFilter);
  if (will === undefined) return;
  requireScope(principal, "publish");
  requirePublish(principal, will.topic);
}

/** A probe publishes to the topic, and receives from it. */
export function requireRoundTrip(principal: Principal, topic: TopicName): void {
  requireScope(principal, "publish");
  requirePublish(principal, topic);
  // A name without wildcards is a filter, too.
  requireReading(principal, topic as string as TopicFilter);
}

/** @throws {Problem} `forbidden` where it lacks the scope, or its filters do not cover this one */
export function requireReading(principal: Principal, filter: TopicFilter): void {
  requireScope(principal, "subscribe");
  requireSubscribe(principal, filter);
}

/**
 * What is delivered to an endpoint is read by whoever chose that: `wanted` is as it is when the change is made.
 *
 * @throws {Problem} `forbidden`
 */
export function requireDelivery(
  principal: Principal,
  { topics, events }: { readonly topics: readonly TopicFilter[]; readonly events: readonly string[] },
): void {
  for (const topic of topics) requireReading(principal, topic);
  if (events.length > 0) requireScope(principal, "connections:read");
}

/** What a message is refused with by its topic; null where the principal may publish to all. */
export function publishRefusal(principal: Principal): ((topic: TopicName) => Problem | null) | null {
  if (principal.publish === null) return null;
  return (topic) => (mayPublish(principal, topic) ? null : publishForbidden(topic));
}

/** Which topics a principal may see messages of; undefined for all of them. */
export function readableTopics(principal: Principal): ((topic: TopicName) => boolean) | undefined {
  return principal.subscribe === null ? undefined : (topic) => mayRead(principal, topic);
}
