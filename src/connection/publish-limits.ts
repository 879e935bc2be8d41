import { flagsOf, type EncodedPublish } from "../broker/publish-packet.ts";
import type { PublishMessage } from "../mqtt/message.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { Problem } from "../problem.ts";
import { brokerLimit } from "./publish-problems.ts";

/** What keeps a message from being sent over a connection as it is, before anything is encoded; or null. */
export function checkPublish(
  { qos, retain, properties }: PublishMessage,
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
  const most = negotiated.topicAliasMaximum;
  if (properties.topicAlias !== undefined && properties.topicAlias > most)
    return brokerLimit(
      "topicAliasMaximum",
      most,
      `The broker takes topic aliases up to ${most} (MQTT 5 §3.2.2.3.8)`,
    );
  return null;
}

/** Whether a message in flight may be sent again, on a network connection that has limits of its own. */
export function takes(
  { maximumPacketSize, maximumQoS, retainAvailable }: Negotiated,
  { again }: EncodedPublish,
): boolean {
  const { qos, retain } = flagsOf(again);
  return again.length <= maximumPacketSize && qos <= maximumQoS && (retainAvailable || !retain);
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
