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

/** The id of a connection that must exist; whatever it looks like, an unknown one is a 404. */
export const idParameter = z.object({ id: z.string() });

export const answers = { 200: { description: "See the contract" } };
