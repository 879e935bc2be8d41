import { z } from "zod";
import { base64, binaryData, topicNameSchema, uint32, userProperties, utf8String } from "./fields.ts";
import { qosSchema } from "./qos.ts";

/** Will Properties (MQTT 5 §3.1.3.2); intervals in seconds. */
const willPropertiesSchema = z.strictObject({
  willDelayInterval: uint32().optional(),
  messageExpiryInterval: uint32().optional(),
  contentType: utf8String.optional(),
  responseTopic: topicNameSchema.optional(),
  correlationData: binaryData.optional(),
  payloadFormatIndicator: z.union([z.literal(0), z.literal(1)], "expected 0 or 1").optional(),
  userProperties: userProperties.optional(),
});

const willFields = z.strictObject({
  topic: topicNameSchema,
  payload: z.json().default(""),
  payloadEncoding: z.enum(["utf8", "base64", "json"]).default("utf8"),
  qos: qosSchema.default(0),
  retain: z.boolean().default(false),
  properties: willPropertiesSchema.optional(),
});

/** The Will Message (§3.1.2.5): published by the broker when the network connection ends without DISCONNECT. */
export const willSchema = willFields.transform(({ payload, payloadEncoding, ...will }, context) => {
  const bytes = encodePayload(payload, payloadEncoding);
  if (typeof bytes === "string") context.addIssue({ code: "custom", path: ["payload"], message: bytes });
  else if (bytes.length > 65_535) {
    context.addIssue({
      code: "custom",
      path: ["payload"],
      message: `expected at most 65535 bytes, not ${bytes.length}`,
    });
  } else return { ...will, payload: bytes };
  return z.NEVER;
});

export type Will = z.output<typeof willSchema>;

/** The payload's bytes, or what is wrong with it. */
function encodePayload(payload: unknown, encoding: "utf8" | "base64" | "json"): Buffer | string {
  if (encoding === "json") return Buffer.from(JSON.stringify(payload), "utf8");
  if (typeof payload !== "string")
    return `expected a string; for other JSON values, set payloadEncoding to "json"`;
  if (encoding === "utf8") return Buffer.from(payload, "utf8");
  const parsed = base64.safeParse(payload);
  return parsed.success ? parsed.data : "expected standard base64 with padding";
}
