import { generate } from "mqtt-packet";
import type { PublishMessage, PublishProperties } from "../mqtt/message.ts";
import { protocolLevel, type ProtocolVersion } from "../mqtt/protocol-version.ts";

/** A PUBLISH as it goes to the wire (MQTT 5 §3.3); the packet identifier is written when one is taken. */
export interface EncodedPublish {
  readonly bytes: Buffer;
  /** Where the packet identifier stands; 0 at QoS 0, which has none. */
  readonly idAt: number;
}

/** Any identifier does: what is encoded gets its own later. */
const placeholderId = 1;

/** Encodes a message that has been validated. `withAlias`: a topic alias holds for one network connection only. */
export function encodePublish(
  { topic, payload, qos, retain, properties }: PublishMessage,
  version: ProtocolVersion,
  withAlias = true,
): EncodedPublish {
  const bytes = generate(
    {
      cmd: "publish",
      topic,
      payload,
      qos,
      retain,
      dup: false,
      messageId: placeholderId,
      ...(version === "5" && properties !== undefined ? { properties: wire(properties, withAlias) } : {}),
    },
    { protocolVersion: protocolLevel(version) },
  );
  return { bytes, idAt: qos === 0 ? 0 : afterTopic(bytes) };
}

export function setPacketId({ bytes, idAt }: EncodedPublish, id: number): void {
  bytes.writeUInt16BE(id, idAt);
}

/** Sets DUP: the packet has been sent before (MQTT-3.3.1-1). */
export function setDup({ bytes }: EncodedPublish): void {
  bytes[0] = (bytes[0] ?? 0) | 0x08;
}

/** PUBREL (§3.6); the reason code exists in version 5 only. */
export function encodePubrel(id: number, reasonCode: number, version: ProtocolVersion): Buffer {
  return generate(
    { cmd: "pubrel", messageId: id, ...(reasonCode === 0 ? {} : { reasonCode }) },
    { protocolVersion: version === "5" && reasonCode !== 0 ? 5 : 4 },
  );
}

/** Behind the fixed header, whose length field ends with the first byte below 0x80 (§1.5.5), and the topic name. */
function afterTopic(bytes: Buffer): number {
  let at = 1;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return at + 3 + bytes.readUInt16BE(at + 1);
}

/** In the encoder's form: it takes the payload format indicator as a boolean, and nothing that is undefined. */
function wire({ payloadFormatIndicator, topicAlias, ...rest }: PublishProperties, withAlias: boolean) {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) properties[name] = value;
  if (payloadFormatIndicator !== undefined)
    properties["payloadFormatIndicator"] = payloadFormatIndicator === 1;
  if (topicAlias !== undefined && withAlias) properties["topicAlias"] = topicAlias;
  return properties;
}
