import { z } from "zod";
import { topicFilterSchema, utf8String } from "../mqtt/fields.ts";
import { scopes } from "./principal.ts";

const filters = z
  .array(topicFilterSchema)
  .min(1, "expected at least one topic filter, or null, which is any topic")
  .max(100, "expected at most 100 topic filters")
  .nullable()
  .default(null);

/** Names a tenant; also in logs and paths, so a small alphabet. */
export const tenantSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,64}$/, "expected 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -");

/** An instant of RFC 3339, in milliseconds since the epoch. */
export const instantSchema = z.iso
  .datetime({ offset: true, error: 'expected a time of RFC 3339, as "2030-01-31T12:00:00Z"' })
  .transform((text) => Date.parse(text))
  .refine(Number.isFinite, 'expected a time of RFC 3339, as "2030-01-31T12:00:00Z"');

/** What a token is asked for with. Whether its time lies ahead is for who knows the time. */
export const tokenRequestSchema = z
  .strictObject({
    name: utf8String
      .min(1, "expected at least one character")
      .max(100, "expected at most 100 characters")
      // It is shown in lists, on terminals too.
      .refine(
        (name) => !/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(name),
        "must not have control characters",
      ),
    scopes: z
      .array(z.enum(scopes))
      .min(1, "expected at least one scope")
      .max(scopes.length, "expected each scope once at most")
      .refine((list) => new Set(list).size === list.length, "expected each scope once at most"),
    tenant: tenantSchema.optional(),
    publish: filters,
    subscribe: filters,
    expiresAt: instantSchema.nullable().default(null),
  })
  .superRefine(({ scopes: wanted, ...filtered }, context) => {
    if (!wanted.includes("admin")) return;
    for (const name of ["publish", "subscribe"] as const) {
      if (filtered[name] === null) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: "does not bind a token with the scope admin, which can make itself another one",
      });
    }
  });

export type TokenRequest = z.output<typeof tokenRequestSchema>;
