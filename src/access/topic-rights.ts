import { innerFilter, matches, type TopicFilter, type TopicName } from "../mqtt/topic.ts";
import type { Principal } from "./principal.ts";

/** Whether a principal may publish to a topic; the scope is another question. */
export function mayPublish({ publish }: Pick<Principal, "publish">, name: TopicName): boolean {
  return publish === null || publish.some((filter) => matches(filter, name));
}

/** Whether a principal may subscribe: one of its filters covers all that this one can match. */
export function maySubscribe({ subscribe }: Pick<Principal, "subscribe">, requested: TopicFilter): boolean {
  return subscribe === null || subscribe.some((allowed) => covers(allowed, requested));
}

/** Whether a principal may see a message of this topic. */
export function mayRead({ subscribe }: Pick<Principal, "subscribe">, name: TopicName): boolean {
  return subscribe === null || subscribe.some((filter) => matches(filter, name));
}

/**
 * Whether every topic name that `requested` matches is matched by `allowed`, too (§4.7), level by level. Shared
 * subscriptions are compared by what follows `$share/{ShareName}/` (§4.8.2).
 */
export function covers(allowed: TopicFilter, requested: TopicFilter): boolean {
  const wide = innerFilter(allowed).split("/");
  const inner = innerFilter(requested);
  // §4.7.2: a filter that begins with a wildcard does not match the broker's own topics.
  if (inner.startsWith("$") && (wide[0] === "+" || wide[0] === "#")) return false;
  // The parent level of these would be a topic without any character, which there is not (§4.7.3).
  const isParentless = inner === "#" || inner === "/#";
  const narrow = (isParentless ? inner.replace("#", "+/#") : inner).split("/");
  for (const [index, level] of wide.entries()) {
    // §4.7.1.2: "#" stands for the parent level too, so it covers where the other filter has just ended.
    if (level === "#") return true;
    const asked = narrow[index];
    if (asked === undefined || asked === "#") return false;
    if (level !== "+" && level !== asked) return false;
  }
  return wide.length === narrow.length;
}
