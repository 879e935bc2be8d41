import { isUtf8 } from "node:buffer";
import { flagsOf, type EncodedPublish } from "../broker/publish-packet.ts";
import type { PublishMessage } from "../mqtt/message.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { Problem } from "../problem.ts";
import type { Machine } from "./state.ts";
import { brokerLimit } from "./publish-problems.ts";

/**
 * Before version 5 a broker does not say how many it takes at once, and closes the connection over more. This many is
 * what a broker takes that nobody has told otherwise.
 */
const usualInFlight = 20;

/** How many messages of QoS 1 and 2 the broker takes unacknowledged (MQTT 5 §3.2.2.3.3). */
export function receiveMaximum(negotiated: Negotiated, version: ProtocolVersion): number {
  return version === "5" ? negotiated.receiveMaximum : usualInFlight;
}

/** What keeps a message from being sent over a connection as it is, before anything is encoded; or null. */
export function checkPublish(
  { qos, retain, payload, properties }: PublishMessage,
  negotiated: Negotiated,
  version: ProtocolVersion,
): Problem | null {
  if (qos > negotiated.maximumQoS) {
    const most = negotiated.maximumQoS;
    return brokerLimit(
      "maximumQoS",
      most,
      `The broker takes QoS ${most} at most, not ${qos} (MQTT 5 §3.2.2.3.4)`,
    );
  }
  if (retain && !negotiated.retainAvailable)
    return brokerLimit(
      "retainAvailable",
      0,
      "The broker does not take retained messages (MQTT 5 §3.2.2.3.5)",
    );
  if (properties === undefined) return null;
  if (version !== "5") return checkOlder(properties, version);
  if (properties.payloadFormatIndicator === 1 && !isUtf8(payload)) return notUtf8();
  const most = negotiated.topicAliasMaximum;
  if (properties.topicAlias !== undefined && properties.topicAlias > most)
    return brokerLimit(
      "topicAliasMaximum",
      most,
      `The broker takes topic aliases up to ${most} (MQTT 5 §3.2.2.3.8)`,
    );
  return null;
}

/**
 * What keeps a message from being sent as far as it is known before the connection is up; `asked` is the version that
 * the connection's request names.
 */
export function checkAhead(
  message: PublishMessage,
  { state, established }: Machine,
  asked: ProtocolVersion | "auto",
): Problem | null {
  if (state.name === "connected")
    return checkPublish(message, state.negotiated, state.established.protocolVersion);
  const version = established?.protocolVersion ?? asked;
  const { properties, payload } = message;
  if (properties === undefined || version === "auto") return null;
  if (version !== "5") return checkOlder(properties, version);
  return properties.payloadFormatIndicator === 1 && !isUtf8(payload) ? notUtf8() : null;
}

/** Whether a message in flight may be sent again, on a network connection that has limits of its own. */
export function takes(
  { maximumPacketSize, maximumQoS, retainAvailable }: Negotiated,
  { again }: EncodedPublish,
): boolean {
  const { qos, retain } = flagsOf(again);
  return again.length <= maximumPacketSize && qos <= maximumQoS && (retainAvailable || !retain);
}

/** Who receives it may take it for a Protocol Error (MQTT 5 §3.3.2.3.2). */
function notUtf8(): Problem {
  const pointer = "/properties/payloadFormatIndicator";
  const detail = "says that the payload is UTF-8, which it is not";
  return new Problem("invalid-request", { detail: `${pointer}: ${detail}`, errors: [{ pointer, detail }] });
}

/** PUBLISH has no properties before version 5. */
function checkOlder(properties: object, version: ProtocolVersion): Problem | null {
  const errors = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({
      pointer: `/properties/${name}`,
      detail: `exists only in MQTT 5; this connection speaks ${version}`,
    }));
  const [first] = errors;
  if (first === undefined) return null;
  return new Problem("invalid-request", { detail: `${first.pointer}: ${first.detail}`, errors });
}
