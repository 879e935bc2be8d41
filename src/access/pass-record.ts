import { z } from "zod";
import { topicFilterSchema } from "../mqtt/fields.ts";
import { scopes } from "./principal.ts";

/** Session id → the session, without its secret. */
export const sessionSpace = "sessions";
/** Ticket id → the ticket, without its secret. */
export const ticketSpace = "stream-tickets";
/**
 * Nothing is ever there. That a key is deleted in the same commit as the ticket of that id says to those who follow that
 * it has run out, and was not revoked: streams that were opened with it go on.
 */
export const ranOutSpace = "stream-tickets-run-out";

const filters = z.array(topicFilterSchema).nullable();

/** With what a pass was made, which it ends with. Times are of the wall clock, in milliseconds. */
const ownerSchema = z.discriminatedUnion("by", [
  z.object({ by: z.literal("token"), id: z.string() }),
  z.object({ by: z.literal("session"), id: z.string() }),
  /** `mark` tells which admin token it was: with another one it is over. */
  z.object({ by: z.literal("admin"), mark: z.string() }),
  z.object({
    by: z.literal("foreign"),
    id: z.string(),
    tenant: z.string(),
    scopes: z.array(z.enum(scopes)),
    publish: filters,
    subscribe: filters,
    endsAt: z.number(),
  }),
]);

const passSchema = z.object({
  /** SHA-256 of its secret, in base64. */
  hash: z.string().length(44),
  owner: ownerSchema,
  expiresAt: z.number(),
  /** Of a ticket. */
  path: z.string().optional(),
});

export type OwnerRecord = z.output<typeof ownerSchema>;
export type PassRecord = z.output<typeof passSchema>;

/** What was kept; null where it cannot be read, so that the pass does not count. */
export function readPass(value: string): PassRecord | null {
  try {
    const parsed = passSchema.safeParse(JSON.parse(value));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
