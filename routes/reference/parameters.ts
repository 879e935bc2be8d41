import type { JsonSchema } from "./call.ts";

/** What a parameter means; and its form, where a text of digits stands for a number. */
export interface Parameter {
  readonly description: string;
  readonly schema?: JsonSchema;
}

const integer = (minimum: number, maximum: number, more: JsonSchema = {}): JsonSchema => ({
  type: "integer",
  minimum,
  maximum,
  ...more,
});

const flag: JsonSchema = { type: "boolean", default: false };
const seconds = (more: JsonSchema = {}): JsonSchema => ({ type: "number", minimum: 0, maximum: 60, ...more });
const qos: JsonSchema = { type: "integer", enum: [0, 1, 2], default: 0 };

/** By their names, for all calls that have them; by call and name, where they mean something else. */
export const parameters: Readonly<Record<string, Parameter>> = {
  id: { description: "The id, as it was given or made." },
  wait: {
    description:
      "Seconds that the call may wait, with at most 3 decimals; 0 answers at once where that is possible.",
    schema: seconds({ default: 10 }),
  },
  "GET /connections/{id} wait": {
    description: "Seconds to hold the answer until the version is another one than `since`.",
    schema: seconds({ default: 0 }),
  },
  "GET /connections/{id}/messages wait": {
    description: "Seconds to wait for a first message, where there is none (long poll); not with streams.",
    schema: seconds({ default: 0 }),
  },
  "GET /connections/{id}/retained wait": {
    description: "Seconds to wait for the message: brokers say nothing where there is none.",
    schema: seconds({ default: 2 }),
  },
  since: {
    description: "The version that the caller knows; without it, the present one.",
    schema: integer(0, 999_999_999_999_999),
  },
  state: { description: "Only those in this state." },
  "GET /webhooks/{id}/deliveries state": {
    description: "`recent`: the last 100 attempts since the start; `dead`: deliveries that were given up.",
  },
  label: {
    description: "`name:value`; all of those that are given must hold.",
    schema: { type: "array", items: { type: "string" }, maxItems: 16 },
  },
  limit: { description: "Items on a page at most.", schema: integer(1, 1_000, { default: 100 }) },
  cursor: {
    description: "`next` of the page before.",
    schema: { type: "string" },
  },
  after: { description: "Behind this entry: `next` of the page before, or an entry's id." },
  "GET /connections/{id}/messages after": {
    description:
      "Behind this message: `next` of the page before, or a message's id; `earliest`, or `latest`.",
  },
  lastEventId: { description: "As the header Last-Event-ID, for readers that cannot send it; it wins." },
  format: { description: "The form of the answer; without it, Accept decides." },
  "GET /connections/{id}/retained format": {
    description: "`payload`: the bytes as they came; `json`: the message, with its properties.",
  },
  drainMs: {
    description: "Milliseconds to wait for acknowledgements of what is under way.",
    schema: integer(0, 60_000, { default: 5_000 }),
  },
  reasonCode: {
    description: "Of the DISCONNECT (MQTT 5): 0, or 4, with which the broker publishes the will.",
    schema: { type: "integer", enum: [0, 4], default: 0 },
  },
  sessionExpiryInterval: {
    description: "Seconds for which the broker keeps the session (MQTT 5); not above 0 where CONNECT said 0.",
    schema: integer(0, 4_294_967_295),
  },
  force: { description: "Cut the network connection, without DISCONNECT.", schema: flag },
  types: {
    description: "Types of events, with commas between them. Control events of a stream come all the same.",
    schema: { type: "string", maxLength: 4_096 },
  },
  connection: {
    description: "Ids of connections, with commas between them.",
    schema: { type: "string", maxLength: 4_096 },
  },
  messages: {
    description:
      "The id of a connection whose messages come in between, from now on; needs the scope `subscribe`, too. Only with streams.",
  },
  topic: { description: "A topic filter: only messages of topics that match it." },
  "GET /connections/{id}/retained topic": { description: "The topic name." },
  payload: { description: "The form of payloads: `auto` is text where the bytes are UTF-8, else base64." },
  subscribe: { description: "A topic filter that is subscribed to for the length of the call." },
  qos: { description: "Of `subscribe`.", schema: qos },
  topicFilter: { description: "The topic filter, exactly." },
  filter: { description: "The topic filter, percent-encoded, slashes too." },
  raw: { description: "Answer with the payload of the response alone.", schema: flag },
  roundTrip: { description: "A topic name: publish to it and wait for the message to come back." },
  message: { description: "The id of the message in the outbox." },
  mid: { description: "The id of the message in the log." },
  delivery: { description: "The id of the delivery, its `webhook-id`." },
  tenant: { description: "Only tokens of this tenant; an operator sees those of all without it." },
  code: { description: "The code of the problem.", schema: { type: "string" } },
  file: { description: "The name of the file.", schema: { type: "string" } },
  target: {
    description: "The URL of the broker, without user name and password.",
    schema: { type: "string", maxLength: 8_192 },
  },
  "GET /probe protocolVersion": { description: "The MQTT version to speak, or `auto`." },
};

const number = (description: string, most: number, least = 0): Parameter => ({
  description,
  schema: integer(least, most),
});

/** Of a raw publish, which is read by hand, since that path is the busiest; the header `Mqtt-…` says the same. */
export const publishParameters: Readonly<Record<string, Parameter>> = {
  topic: {
    description:
      "The topic name. With it the body is the payload, whatever its type; without it, JSON or lines.",
    schema: { type: "string", maxLength: 65_535 },
  },
  qos: { description: "The QoS.", schema: qos },
  retain: {
    description: "Whether the broker is to keep it; an empty body clears what it keeps.",
    schema: flag,
  },
  contentType: {
    description:
      "MQTT 5: the content type; without it, the Content-Type of the call, but for curl's form type.",
    schema: { type: "string" },
  },
  messageExpiryInterval: number("MQTT 5: seconds after which the message means nothing.", 4_294_967_295),
  responseTopic: { description: "MQTT 5: the topic name for a response.", schema: { type: "string" } },
  correlationData: { description: "MQTT 5: what the response is to carry.", schema: { type: "string" } },
  payloadFormatIndicator: number("MQTT 5: 1 says that the payload is UTF-8.", 1),
  topicAlias: number("MQTT 5: a number for the topic; not with `queue`.", 65_535, 1),
  userProperty: {
    description: "MQTT 5: `name=value`; may be given several times.",
    schema: { type: "array", items: { type: "string" } },
  },
  wait: {
    description: "Seconds to wait for the broker's acknowledgement; not with `queue`.",
    schema: seconds({ default: 10 }),
  },
  queue: number(
    "Seconds within which the message is to be delivered: accepted at once, whatever the state of the connection, which has to be durable.",
    604_800,
    1,
  ),
};
