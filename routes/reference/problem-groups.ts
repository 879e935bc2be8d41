import { routeOf } from "../../src/cluster/front-route.ts";
import type { ProblemCode } from "../../src/problem-catalogue.ts";
import type { Call } from "./call.ts";

/** What an attempt to connect may come to. */
export const connecting: readonly ProblemCode[] = [
  "destination-forbidden",
  "client-id-in-use",
  "bind-address-unavailable",
  "attempts-limited",
  "dns-error",
  "connection-refused",
  "network-unreachable",
  "connection-reset",
  "tls-error",
  "websocket-refused",
  "broker-refused",
  "broker-unavailable",
  "broker-closed",
  "broker-protocol-error",
  "connect-timeout",
  "connack-timeout",
];

/** What a call that keeps something may come to. */
export const keeping: readonly ProblemCode[] = ["secret-key-missing", "store-full", "store-unavailable"];

/** Of a call that needs a connection which is up. */
export const needsBroker: readonly ProblemCode[] = [
  "not-connected",
  "temporarily-not-connected",
  "connection-closed",
  "connection-lost",
  "keep-alive-timeout",
  "broker-disconnected",
];

/** What the broker may say to a publish or a subscription, or not. */
export const acknowledged: readonly ProblemCode[] = [
  "broker-not-authorized",
  "broker-topic-refused",
  "broker-quota-exceeded",
  "broker-rejected",
  "broker-limit",
  "acknowledgement-timeout",
];

export const replaying: readonly ProblemCode[] = ["idempotency-in-progress", "idempotency-key-reused"];

/** Of any call, and where there is none. */
export const ofAnyCall: readonly ProblemCode[] = [
  "malformed-request",
  "forbidden-host",
  "cross-site-request",
  "unauthorized",
  "authority-unavailable",
  "method-not-allowed",
  "rate-limited",
  "internal-error",
];

const ofCallers: readonly ProblemCode[] = ["limit-reached", "starting", "shutting-down", "invalid-request"];

const ofBodies: readonly ProblemCode[] = ["request-timeout", "content-too-large", "unsupported-media-type"];

/** Whether it is answered by what one node of several owns, as all are that are not of the node itself. */
function isOfAShard(name: string): boolean {
  return routeOf(`http://any${name.slice(name.indexOf("/"))}`).to !== "node";
}

/** All that a call may be answered with when it does not go well, each once. */
export function problemsOf(name: string, { needs, body, headers = [], problems = [] }: Call): ProblemCode[] {
  const found: ProblemCode[] = [...problems, ...ofAnyCall];
  if (name.includes("{")) found.push("not-found");
  if (needs !== "none") found.push(...ofCallers);
  if (isOfAShard(name)) found.push("no-owner");
  if (needs !== "none" && needs !== "any") found.push("forbidden");
  if (body !== undefined) found.push(...ofBodies);
  if (headers.includes("Idempotency-Key")) found.push(...replaying);
  return [...new Set(found)];
}
