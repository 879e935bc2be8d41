import { z } from "zod";
import { logPage, when } from "./common-schemas.ts";

const userProperties = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
const qos = z.int().min(0).max(2);

const messageFields = {
  topic: z.string(),
  payload: z.unknown(),
  payloadEncoding: z.enum(["utf8", "base64", "json"]),
  qos,
  retain: z.boolean(),
  dup: z.boolean(),
  properties: z.object({
    payloadFormatIndicator: z.int().optional(),
    messageExpiryInterval: z.int().optional(),
    contentType: z.string().optional(),
    responseTopic: z.string().optional(),
    correlationData: z.union([z.string(), z.object({ base64: z.string() })]).optional(),
    userProperties: userProperties.optional(),
    subscriptionIdentifiers: z.array(z.int()).optional(),
  }),
};

const received = z.object(messageFields);
const message = z.object({ id: z.string(), at: when, ...messageFields });

const acknowledgement = {
  reasonCode: z.int(),
  reasonName: z.string(),
  reasonString: z.string().optional(),
  packetId: z.int(),
  ms: z.number(),
};

const outboxFields = {
  id: z.string(),
  state: z.enum(["queued", "sent", "delivered", "expired", "rejected"]),
  topic: z.string(),
  qos,
  retain: z.boolean(),
  bytes: z.int(),
  acceptedAt: when,
  expiresAt: when,
  outcome: z.looseObject({ at: when }).nullable(),
};

/** What became of one message of several: as the answer to it alone, with its status; or a problem. */
const result = z
  .looseObject({ status: z.int(), reasonCode: z.int().optional(), code: z.string().optional() })
  .meta({ description: "What would be the answer to this message alone, with its status." });

const subscription = z.object({
  topicFilter: z.string(),
  qos,
  noLocal: z.boolean().optional(),
  retainAsPublished: z.boolean().optional(),
  retainHandling: z.int().optional(),
  subscriptionIdentifier: z.int().optional(),
  userProperties: userProperties.optional(),
  grantedQos: qos.nullable(),
  reasonCode: z.int().nullable(),
  reasonName: z.string().nullable(),
  reasonString: z.string().optional(),
});

const outboxEntry = z.object(outboxFields);

export const messageSchemas = {
  Message: message,
  MessageLine: z.object({ type: z.literal("message"), ...message.shape }),
  MessagePage: logPage(message),
  ReceivedMessage: received,
  Response: z.object({ message: received, ms: z.number() }),
  Acknowledgement: z.object(acknowledgement),
  AcceptedMessage: z.union([z.object({ qos: z.literal(0) }), outboxEntry]),
  PublishResults: z.object({ results: z.array(result) }),
  PublishReport: z
    .looseObject({ line: z.int(), status: z.int() })
    .meta({ description: "A line of the answer to lines: which line, and what became of it." }),
  OutboxEntry: outboxEntry,
  OutboxPage: z.object({ items: z.array(outboxEntry), next: z.string().nullable() }),
  SubscriptionView: subscription,
  SubscriptionList: z.object({ items: z.array(subscription) }),
};
