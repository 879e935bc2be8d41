import { z } from "zod";
import { topicNameSchema, uint32 } from "./fields.ts";
import { messagePropertyFields, payloadBytes, payloadEncodingSchema } from "./message.ts";
import { qosSchema } from "./qos.ts";

/** Will Properties (MQTT 5 §3.1.3.2); intervals in seconds. */
const willPropertiesSchema = z.strictObject({
  willDelayInterval: uint32().optional(),
  ...messagePropertyFields,
});

const willFields = z.strictObject({
  topic: topicNameSchema,
  payload: z.json().default(""),
  payloadEncoding: payloadEncodingSchema.default("utf8"),
  qos: qosSchema.default(0),
  retain: z.boolean().default(false),
  properties: willPropertiesSchema.optional(),
});

/** The Will Message (§3.1.2.5): published by the broker when the network connection ends without DISCONNECT. */
export const willSchema = willFields.transform(({ payload, payloadEncoding, ...will }, context) => {
  const bytes = payloadBytes(payload, payloadEncoding);
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
