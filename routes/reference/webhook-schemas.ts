import { z } from "zod";
import { when, whenOrNull } from "./common-schemas.ts";

const webhookFields = {
  id: z.string(),
  url: z.string(),
  connection: z.string().nullable(),
  topics: z.array(z.string()),
  events: z.array(z.string()),
  format: z.enum(["connack", "cloudevents"]),
  enabled: z.boolean(),
  labels: z.record(z.string(), z.string()),
  state: z.enum(["active", "failing", "disabled"]),
  disabled: z.object({ reason: z.enum(["requested", "gone"]), at: when }).nullable(),
  lastSuccessAt: whenOrNull,
  lastFailure: z
    .object({ status: z.int().nullable(), code: z.string(), detail: z.string(), at: when })
    .nullable(),
  failuresInARow: z.int(),
  nextAttemptAt: whenOrNull,
  counters: z.object({ delivered: z.int(), failed: z.int(), dead: z.int(), deadDropped: z.int() }),
  createdAt: when,
  links: z.record(z.string(), z.string()),
  secret: z.string().optional().meta({ description: "One that was generated for this call, this once." }),
};

const attempt = z.object({
  id: z.string(),
  type: z.string(),
  connection: z.string().nullable(),
  attempt: z.int(),
  at: when,
  ms: z.number(),
  state: z.enum(["delivered", "failed", "cancelled"]),
  status: z.int().nullable(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
});

const deadLetter = z.looseObject({ id: z.string(), type: z.string(), attempts: z.int(), diedAt: when });
const page = (item: z.ZodType) => z.object({ items: z.array(item), next: z.string().nullable() });

const webhook = z.object(webhookFields);

export const webhookSchemas = {
  Webhook: webhook,
  WebhookPage: page(webhook),
  DeliveryAttempt: attempt,
  DeliveryPage: page(z.union([attempt, deadLetter])),
  Replaying: z.object({ replaying: z.int() }),
};
