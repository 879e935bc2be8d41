import { z } from "@hono/zod-openapi";

/** A whole number up to `most`. */
export const integer = (most: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, "expected a whole number")
    .transform(Number)
    .refine((n) => n <= most, `expected at most ${most}`);

/** A switch: on by its name alone. */
export const flag = z
  .enum(["true", "false", ""])
  .default("false")
  .transform((text) => text !== "false");

/** `?limit=`: items on a page. */
export const limitParameter = z
  .string()
  .regex(/^\d{1,4}$/, "expected 1 to 1000")
  .transform(Number)
  .refine((n) => n >= 1 && n <= 1_000, "expected 1 to 1000")
  .default(100);

/** `?label=name:value`: all of those that are given must hold. */
const label = z.string().transform((text, context): readonly [string, string] => {
  const colon = text.indexOf(":");
  if (colon < 1) context.addIssue({ code: "custom", message: "expected name:value" });
  return [text.slice(0, colon), text.slice(colon + 1)];
});
export const labelParameter = z.union([label.transform((one) => [one]), z.array(label).max(16)]).default([]);

/** The id of a connection that must exist; whatever it looks like, an unknown one is a 404. */
export const idParameter = z.object({ id: z.string() });

/** Answers are declared in `routes/reference/`, apart from what the routes check: nothing checks them while Connack runs. */
export const answers = { 200: { description: "See routes/reference/" } };
