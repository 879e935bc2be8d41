import { publishSchema, type PublishMessage } from "../src/mqtt/message.ts";
import type { QoS } from "../src/mqtt/qos.ts";
import { parseTopicName, type TopicName } from "../src/mqtt/topic.ts";
import { Problem } from "../src/problem.ts";
import { invalidRequest } from "./middleware/problems.ts";
import { payloadTooLarge } from "./publish-options.ts";

const empty = Buffer.alloc(0);

/** What a message must keep to, whatever form it comes in. */
export interface MessageRules {
  readonly maxPayloadBytes: number;
  /** What a topic is refused with that is not for whoever publishes; null where every topic is. */
  readonly refusal: ((topic: TopicName) => Problem | null) | null;
}

/**
 * A message to publish out of JSON that was read by `readJson`, or what is wrong with it. `path` is where the value stands in the body.
 */
export function readMessage(
  value: unknown,
  { maxPayloadBytes, refusal }: MessageRules,
  path: readonly (string | number)[] = [],
): PublishMessage | Problem {
  const message = readPlainMessage(value) ?? readAnyMessage(value, path);
  if (message instanceof Problem) return message;
  if (message.payload.length > maxPayloadBytes) return payloadTooLarge(maxPayloadBytes);
  return refusal?.(message.topic) ?? message;
}

/**
 * The common case, many times as fast as the schema: topic, text, QoS and retain, all of them right. Null for
 * everything else, which is the schema's to judge; a test compares the two.
 */
export function readPlainMessage(value: unknown): PublishMessage | null {
  if (typeof value !== "object" || value === null) return null;
  let topic: unknown;
  let payload: unknown = "";
  let qos: unknown = 0;
  let retain: unknown = false;
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (name === "topic") topic = member;
    else if (name === "payload") payload = member;
    else if (name === "qos") qos = member;
    else if (name === "retain") retain = member;
    else if (name !== "payloadEncoding" || member !== "utf8") return null;
  }
  if (typeof topic !== "string" || typeof payload !== "string" || typeof retain !== "boolean") return null;
  if ((qos !== 0 && qos !== 1 && qos !== 2) || !payload.isWellFormed()) return null;
  const parsed = parseTopicName(topic);
  if (!parsed.ok) return null;
  return {
    topic: parsed.value,
    payload: payload === "" ? empty : Buffer.from(payload, "utf8"),
    qos: qos satisfies QoS,
    retain,
    properties: undefined,
  };
}

function readAnyMessage(value: unknown, path: readonly (string | number)[]): PublishMessage | Problem {
  const parsed = publishSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return invalidRequest(
    parsed.error.issues.map((issue) => Object.assign(issue, { path: [...path, ...issue.path] })),
    true,
  );
}
