import { generate } from "mqtt-packet";
import type { PublishMessage, PublishProperties } from "../mqtt/message.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { encodePlainPublish } from "./plain-publish.ts";

/** A PUBLISH as it goes to the wire (MQTT 5 §3.3); the packet identifier is written when one is taken. */
export interface EncodedPublish {
  readonly bytes: Buffer;
  /** As it is sent once more on another network connection, where topic aliases are others (§3.3.2.3.4). */
  readonly again: Buffer;
}

/** Any identifier does: what is encoded gets its own later. */
const placeholderId = 1;

/** Encodes a message that has been validated. */
export function encodePublish(message: PublishMessage, version: ProtocolVersion): EncodedPublish {
  const { qos, properties } = message;
  const plain = properties === undefined || version !== "5";
  const bytes = plain ? encodePlainPublish(message, version) : encode(message, properties);
  if (qos === 0 || properties?.topicAlias === undefined) return { bytes, again: bytes };
  return { bytes, again: encode(message, { ...properties, topicAlias: undefined }) };
}

export function setPacketId({ bytes, again }: EncodedPublish, id: number): void {
  bytes.writeUInt16BE(id, afterTopic(bytes));
  if (again !== bytes) again.writeUInt16BE(id, afterTopic(again));
}

/** The packet for a second sending: with DUP (MQTT-3.3.1-1). */
export function duplicateOf({ again }: EncodedPublish): Buffer {
  again[0] = (again[0] ?? 0) | 0x08;
  return again;
}

/** What the first byte says (§3.3.1). */
export function flagsOf(bytes: Buffer): { readonly qos: number; readonly retain: boolean } {
  const [first = 0] = bytes;
  return { qos: (first >> 1) & 3, retain: (first & 1) === 1 };
}

/** PUBREL (§3.6); the reason code exists in version 5 only. */
export function encodePubrel(id: number, reasonCode: number, version: ProtocolVersion): Buffer {
  const told = version === "5" && reasonCode !== 0;
  return generate(
    { cmd: "pubrel", messageId: id, ...(told ? { reasonCode } : {}) },
    { protocolVersion: told ? 5 : 4 },
  );
}

function encode({ topic, payload, qos, retain }: PublishMessage, properties: PublishProperties): Buffer {
  return generate(
    {
      cmd: "publish",
      topic,
      payload,
      qos,
      retain,
      dup: false,
      messageId: placeholderId,
      properties: wire(properties),
    },
    { protocolVersion: 5 },
  );
}

/** Behind the fixed header, whose length field ends with the first byte below 0x80 (§1.5.5), and the topic name. */
function afterTopic(bytes: Buffer): number {
  let at = 1;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return at + 3 + bytes.readUInt16BE(at + 1);
}

/** In the encoder's form: it takes the payload format indicator as a boolean, and nothing that is undefined. */
function wire({ payloadFormatIndicator, ...rest }: PublishProperties) {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) properties[name] = value;
  if (payloadFormatIndicator !== undefined)
    properties["payloadFormatIndicator"] = payloadFormatIndicator === 1;
  return properties;
}
