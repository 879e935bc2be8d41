import type { IPublishPacket } from "mqtt";
import type { ReceivedMessage, ReceivedProperties } from "../mqtt/message.ts";
import type { TopicName } from "../mqtt/topic.ts";

type Kind = "number" | "boolean" | "string" | "object" | "bytes";

const kinds: Readonly<Record<string, Kind>> = {
  payloadFormatIndicator: "boolean",
  messageExpiryInterval: "number",
  contentType: "string",
  responseTopic: "string",
  correlationData: "bytes",
  userProperties: "object",
};

const none: ReceivedProperties = Object.freeze({});

/**
 * A message out of a parsed PUBLISH, whose topic name has been checked; null when a property is of another type than
 * the standard's: the parser makes an array of one that came twice, which is a Protocol Error (MQTT 5 §3.3.2.3).
 */
export function readMessage(packet: IPublishPacket): ReceivedMessage | null {
  const properties = packet.properties === undefined ? none : readProperties(packet.properties);
  if (properties === null) return null;
  const { topic, payload, qos, retain, dup } = packet;
  return {
    topic: topic as TopicName,
    payload: typeof payload === "string" ? Buffer.from(payload) : payload,
    qos,
    retain,
    dup,
    properties,
  };
}

function readProperties(parsed: object): ReceivedProperties | null {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed)) {
    // What concerned one network connection: the name stands in the packet by now.
    if (name === "topicAlias") continue;
    if (name === "subscriptionIdentifier") {
      properties["subscriptionIdentifiers"] = Array.isArray(value) ? value : [value];
      continue;
    }
    const kind = kinds[name];
    if (kind === undefined || !is(value, kind)) return null;
    if (kind === "boolean") properties[name] = value === true ? 1 : 0;
    else properties[name] = kind === "object" ? { ...(value as object) } : value;
  }
  return properties as ReceivedProperties;
}

function is(value: unknown, kind: Kind): boolean {
  if (kind === "bytes") return value instanceof Uint8Array;
  return typeof value === kind && !Array.isArray(value);
}
