import { z } from "zod";
import { isShared, parseTopicFilter, parseTopicName } from "./topic.ts";
import { checkUtf8String } from "./utf8.ts";

/** Schemas of the standard's data types (MQTT 5 §1.5), shared by every packet that has them. */

/** Two Byte Integer (§1.5.2). */
export const uint16 = (least = 0) =>
  z
    .int(`expected a whole number`)
    .min(least, `expected ${least} to 65535`)
    .max(65_535, `expected ${least} to 65535`);

/** Four Byte Integer (§1.5.3). */
export const uint32 = (least = 0) =>
  z
    .int(`expected a whole number`)
    .min(least, `expected ${least} to 4294967295`)
    .max(4_294_967_295, `expected ${least} to 4294967295`);

/** UTF-8 Encoded String (§1.5.4): well formed, no NUL, at most 65,535 bytes. */
export const utf8String = z.string().superRefine((text, context) => {
  const wrong = checkUtf8String(text);
  if (wrong !== null) context.addIssue({ code: "custom", message: wrong });
});

/** A Topic Name (§4.7): no wildcards. */
export const topicNameSchema = z.string().transform((text, context) => {
  const parsed = parseTopicName(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.detail });
  return z.NEVER;
});

/** A Topic Name that is subscribed to as it stands: as a filter, `$share/…` would be a Shared Subscription (§4.8.2). */
export const filterableNameSchema = topicNameSchema.refine(
  (name) => !isShared(name),
  "begins with $share/, and nobody can subscribe to that topic",
);

/** A Topic Filter (§4.7), shared subscriptions included (§4.8.2). */
export const topicFilterSchema = z.string().transform((text, context) => {
  const parsed = parseTopicFilter(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.detail });
  return z.NEVER;
});

/** Standard base64 with padding. */
export const base64 = z
  .base64("expected standard base64 with padding")
  .transform((text) => Buffer.from(text, "base64"));

/** Binary Data (§1.5.6), at most 65,535 bytes: a string stands for its UTF-8 bytes, `{"base64": "…"}` for any. */
export const binaryData = z
  .union(
    [
      z.string().transform((text) => Buffer.from(text, "utf8")),
      z.strictObject({ base64 }).transform((v) => v.base64),
    ],
    'expected a string, or {"base64": "…"}',
  )
  .refine((bytes) => bytes.length <= 65_535, "expected at most 65535 bytes");

const userPropertyValue = z.union(
  [utf8String, z.array(utf8String).max(64)],
  "expected a string, or an array of strings",
);

/** User Properties (§1.5.7): a value for each name, or an array where a name repeats. At most 64 names. */
export const userProperties = z
  .record(utf8String, userPropertyValue)
  .refine((all) => Object.keys(all).length <= 64, "expected at most 64 names");
