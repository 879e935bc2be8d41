import type { TopicFilter, TopicName } from "../mqtt/topic.ts";
import { quoted } from "../mqtt/utf8.ts";
import { Problem } from "../problem.ts";
import { hasScope, type Principal, type Scope } from "./principal.ts";
import { mayPublish, maySubscribe } from "./topic-rights.ts";

/** @throws {Problem} `forbidden`, naming the scope that is missing */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!hasScope(principal, scope))
    throw new Problem("forbidden", `The token does not have the scope ${scope}, which this call needs`);
}

/** @throws {Problem} `forbidden`, naming the topic */
export function requirePublish(principal: Principal, name: TopicName): void {
  if (!mayPublish(principal, name))
    throw new Problem("forbidden", `The token does not allow to publish to ${quoted(name)}`);
}

/** @throws {Problem} `forbidden`, naming the filter */
export function requireSubscribe(principal: Principal, filter: TopicFilter): void {
  if (!maySubscribe(principal, filter))
    throw new Problem(
      "forbidden",
      `The token does not allow to subscribe to ${quoted(filter)}: none of its own filters covers that`,
    );
}
