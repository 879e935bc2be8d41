import { z } from "zod";
import { announcementTypes } from "../connection/announcement.ts";
import { topicFilterSchema } from "../mqtt/fields.ts";
import type { TopicFilter } from "../mqtt/topic.ts";
import { connectionIdSchema, labelsSchema } from "../request/schema.ts";
import { Secret } from "../secret.ts";
import { formats, type Format } from "./body.ts";
import { parseEndpoint } from "./endpoint.ts";
import { secretProblem } from "./signature.ts";

const eventChoices = [...announcementTypes, "*"] as const;
export type EventChoice = (typeof eventChoices)[number];

const url = z
  .string()
  .max(2_048, "expected at most 2048 characters")
  .superRefine((text, context) => {
    const parsed = parseEndpoint(text);
    if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.detail });
  });

const secret = z.string().transform((text, context) => {
  const wrong = secretProblem(text);
  if (wrong === null) return new Secret(text);
  context.addIssue({ code: "custom", message: wrong });
  return z.NEVER;
});

const fields = {
  url,
  connection: connectionIdSchema.nullable(),
  topics: z.array(topicFilterSchema).max(100, "expected at most 100 topic filters"),
  events: z
    .array(z.enum(eventChoices))
    .max(eventChoices.length, `expected at most ${eventChoices.length} types`)
    .refine((all) => all.length === 1 || !all.includes("*"), '"*" stands for all types; expected it alone'),
  format: z.enum(formats),
  enabled: z.boolean(),
  labels: labelsSchema,
  /** Null: one is generated. */
  secret: secret.nullable(),
};

/** Neither messages nor events: nothing would ever be delivered. */
export const nothingWanted = "expected a topic filter here, or a type in events: there is nothing to deliver";

export const webhookRequestSchema = z
  .strictObject({
    ...fields,
    connection: fields.connection.default(null),
    topics: fields.topics.default([]),
    events: fields.events.default([]),
    format: fields.format.default("connack"),
    enabled: fields.enabled.default(true),
    labels: fields.labels.default({}),
    secret: fields.secret.default(null),
  })
  .refine(({ topics, events }) => topics.length + events.length > 0, {
    path: ["topics"],
    message: nothingWanted,
  });

export type WebhookRequest = z.output<typeof webhookRequestSchema>;

const week = 604_800;

/** What is absent stays as it is. */
export const webhookPatchSchema = z
  .strictObject({
    ...z.object(fields).partial().shape,
    /** For how long the secrets before sign, too. */
    secretOverlapSeconds: z
      .int("expected a whole number of seconds")
      .min(0, `expected 0 to ${week}`)
      .max(week, `expected 0 to ${week}`)
      .optional(),
  })
  .refine(({ secret, secretOverlapSeconds }) => secret !== undefined || secretOverlapSeconds === undefined, {
    path: ["secretOverlapSeconds"],
    message: "has a meaning only with secret",
  });

export type WebhookPatch = z.output<typeof webhookPatchSchema>;

/** `gone`: the endpoint answered 410. Times in epoch milliseconds. */
export type Standing =
  | { readonly state: "enabled" }
  | { readonly state: "disabled"; readonly reason: "requested" | "gone"; readonly at: number };

/** A secret that signs; until a time (epoch milliseconds) where another one has taken its place. */
export interface SealedSecret {
  readonly sealed: string;
  readonly until: number | null;
}

/** A webhook as it is kept. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** Null: all. */
  readonly connection: string | null;
  readonly topics: readonly TopicFilter[];
  readonly events: readonly EventChoice[];
  readonly format: Format;
  readonly labels: Readonly<Record<string, string>>;
  readonly standing: Standing;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The newest first. */
  readonly secrets: readonly SealedSecret[];
}
