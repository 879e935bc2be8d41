import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { base64, binaryData, topicNameSchema, uint16, uint32, userProperties, utf8String } from "./fields.ts";
import { qosSchema, type QoS } from "./qos.ts";
import type { TopicName } from "./topic.ts";

/** PUBLISH properties that travel with the message (MQTT 5 §3.3.2.3); `messageExpiryInterval` in seconds. */
export const messagePropertyFields = {
  payloadFormatIndicator: z.union([z.literal(0), z.literal(1)], "expected 0 or 1").optional(),
  messageExpiryInterval: uint32().optional(),
  contentType: utf8String.optional(),
  responseTopic: topicNameSchema.optional(),
  correlationData: binaryData.optional(),
  userProperties: userProperties.optional(),
};

/** What is said with a PUBLISH of ours; `topicAlias` belongs to one network connection (§3.3.2.3.4). */
export const publishPropertiesSchema = z.strictObject({
  ...messagePropertyFields,
  topicAlias: uint16(1).optional(),
});

export type PublishProperties = z.output<typeof publishPropertiesSchema>;

/** How a payload stands in JSON: as text, as standard base64, or as the JSON value that its text is. */
export const payloadEncodingSchema = z.enum(["utf8", "base64", "json"]);

export type PayloadEncoding = z.output<typeof payloadEncodingSchema>;

/** A message to publish. Made by {@link publishSchema}, or from a raw body. */
export interface PublishMessage {
  readonly topic: TopicName;
  readonly payload: Buffer;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PublishProperties | undefined;
}

/** The fields of a message to publish, as they stand in JSON. */
export const publishFields = z.strictObject({
  topic: topicNameSchema,
  payload: z.unknown().optional(),
  payloadEncoding: payloadEncodingSchema.default("utf8"),
  qos: qosSchema.default(0),
  retain: z.boolean().default(false),
  properties: publishPropertiesSchema.optional(),
});

/** A message to publish, in JSON. Without `payload` it is empty. */
export const publishSchema = publishFields.transform((fields, context): PublishMessage => {
  const { topic, payload, payloadEncoding, qos, retain, properties } = fields;
  const bytes = payloadBytes(payload, payloadEncoding);
  if (typeof bytes !== "string") return { topic, payload: bytes, qos, retain, properties };
  context.addIssue({ code: "custom", path: ["payload"], message: bytes });
  return z.NEVER;
});

/** The payload's bytes, or what is wrong with it. Nothing at all is the empty payload. */
export function payloadBytes(payload: unknown, encoding: PayloadEncoding): Buffer | string {
  if (payload === undefined) return Buffer.alloc(0);
  if (encoding === "json") return Buffer.from(JSON.stringify(payload), "utf8");
  if (typeof payload !== "string")
    return `expected a string; for other JSON values, set payloadEncoding to "json"`;
  if (encoding === "utf8")
    // The bytes would be those of another text.
    return payload.isWellFormed()
      ? Buffer.from(payload, "utf8")
      : "has a lone surrogate; UTF-8 cannot encode it";
  const parsed = base64.safeParse(payload);
  return parsed.success ? parsed.data : "expected standard base64 with padding";
}

/** PUBLISH properties of a message that arrived; `subscriptionIdentifiers` as the broker sent them (§3.3.2.3.8). */
export interface ReceivedProperties extends Omit<PublishProperties, "topicAlias"> {
  readonly subscriptionIdentifiers?: readonly number[] | undefined;
}

/** A message that arrived. */
export interface ReceivedMessage {
  readonly topic: TopicName;
  readonly payload: Buffer;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly properties: ReceivedProperties;
}

/** How readers want the payload: as text where the bytes are UTF-8 and base64 elsewhere, or one form always. */
export const payloadFormSchema = z.enum(["auto", "base64", "json"]);

export type PayloadForm = z.output<typeof payloadFormSchema>;

/** A payload as it stands in JSON. Whoever decodes it by its encoding has the same bytes again. */
export function payloadView(payload: Buffer): { payload: string; payloadEncoding: PayloadEncoding } {
  return isUtf8(payload)
    ? { payload: payload.toString("utf8"), payloadEncoding: "utf8" }
    : { payload: payload.toString("base64"), payloadEncoding: "base64" };
}

/** Properties as they are shown: binary ones as text where they are UTF-8, else as `{base64}`. */
export function receivedPropertiesView(properties: ReceivedProperties): object {
  if (properties.correlationData === undefined) return properties;
  const { correlationData, ...rest } = properties;
  const bytes = Buffer.from(correlationData);
  const shown = isUtf8(bytes) ? bytes.toString("utf8") : { base64: bytes.toString("base64") };
  return { ...rest, correlationData: shown };
}
