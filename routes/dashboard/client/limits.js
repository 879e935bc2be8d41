// @ts-check
/** @import { View } from "./model.ts" */
import { hex, isEncrypted, protocol } from "./words.js";

/** In the words of the standard (MQTT 5 §3.2.2.3); what has none here has the name that the answer has. */
const names = {
  keepAlive: "Keep alive",
  receiveMaximum: "Receive maximum",
  maximumQoS: "Maximum QoS",
  retainAvailable: "Retain",
  maximumPacketSize: "Maximum packet size",
  topicAliasMaximum: "Topic alias maximum",
  wildcardSubscriptionAvailable: "Wildcard subscriptions",
  sharedSubscriptionAvailable: "Shared subscriptions",
  subscriptionIdentifiersAvailable: "Subscription identifiers",
  sessionExpiryInterval: "Session expiry interval",
  assignedClientIdentifier: "Assigned client id",
  serverKeepAlive: "Server keep alive",
  reasonString: "Reason string",
  responseInformation: "Response information",
  serverReference: "Server reference",
};
const units = {
  keepAlive: " s",
  serverKeepAlive: " s",
  sessionExpiryInterval: " s",
  maximumPacketSize: " bytes",
};

/** What the CONNACK said, and what has been since. @param {View} view @returns {(readonly [string, string])[]} */
export function factsOf(view) {
  const { broker, clientId, connack, counters, liveness, attempts, request } = view;
  const labels = Object.entries(request.labels).map(([name, value]) => `${name}: ${value}`);
  const count = (/** @type {string} */ name) => (counters[name] ?? 0).toLocaleString("en");
  const session = connack?.sessionPresent ? "present" : "new";
  return [
    ["Broker", broker.address === null ? broker.url : `${broker.url} (${broker.address})`],
    ["Protocol", `${protocol(view)}${isEncrypted(view) ? ", TLS" : ", no TLS"}`],
    ["Client id", clientId],
    ["CONNACK", connack === null ? "none" : `${hex(connack.reasonCode)}, session ${session}`],
    ["Attempts", `${attempts.total} in all, ${attempts.current} since the last success`],
    ["Messages", `${count("messagesIn")} in, ${count("messagesOut")} out, ${count("inflight")} in flight`],
    ["Outbox", `${count("queued")} waiting`],
    ["Ping", liveness.pingRttMs === null ? "none yet" : `${liveness.pingRttMs} ms`],
    ["Labels", labels.join(", ") || "none"],
  ];
}

/** What holds on the connection, and what else the CONNACK had. @param {View} view @returns {(readonly [string, string])[]} */
export function limitsOf({ negotiated, connack }) {
  const said = Object.entries(connack?.properties ?? {}).filter(([name]) => !(name in (negotiated ?? {})));
  const rows = [...Object.entries(negotiated ?? {}), ...said];
  if (rows.length === 0) return [["Not connected", "what the broker allows is in its CONNACK"]];
  return rows.map(([name, value]) => [
    Object.hasOwn(names, name) ? names[/** @type {keyof typeof names} */ (name)] : name,
    `${textOf(value)}${Object.hasOwn(units, name) ? units[/** @type {keyof typeof units} */ (name)] : ""}`,
  ]);
}

/** @param {unknown} value */
function textOf(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en");
  return typeof value === "string" ? value : JSON.stringify(value);
}
