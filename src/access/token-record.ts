import { z } from "zod";
import { timestamp } from "../clock.ts";
import { topicFilterSchema } from "../mqtt/fields.ts";
import type { TopicFilter } from "../mqtt/topic.ts";
import type { Change } from "../store/store.ts";
import type { Used } from "./last-used.ts";
import { scopes, type Scope } from "./principal.ts";

/** Token id → the token, without its secret. */
export const tokenSpace = "tokens";
/** Token id → when it was used last. A space of its own: a late note of a use must not bring back a revoked token. */
export const useSpace = "token-uses";
/** `on` → that there was a token once. */
export const accessSpace = "access";
export const onKey = "on";

/** What there is to know about a token. Times are of the wall clock, in milliseconds. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly publish: readonly TopicFilter[] | null;
  readonly subscribe: readonly TopicFilter[] | null;
  readonly expiresAt: number | null;
  readonly createdAt: number;
  /** The id of the principal that made it. */
  readonly createdBy: string;
  /** Its place in lists, over restarts too. */
  readonly order: number;
  /** SHA-256 of its text, in base64: a text takes less memory than bytes do. */
  readonly hash: string;
}

/** A token as callers see it. */
export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly publish: readonly TopicFilter[] | null;
  readonly subscribe: readonly TopicFilter[] | null;
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly lastUsedAt: string | null;
  readonly links: { readonly self: string };
}

const filters = z.array(topicFilterSchema).nullable();
const storedSchema = z.object({
  name: z.string(),
  tenant: z.string(),
  scopes: z.array(z.enum(scopes)),
  publish: filters,
  subscribe: filters,
  expiresAt: z.number().nullable(),
  createdAt: z.number(),
  createdBy: z.string(),
  order: z.number(),
  hash: z.string().length(44),
});

export function keepToken({ id, ...rest }: TokenRecord): Change {
  return { type: "put", space: tokenSpace, key: id, value: JSON.stringify(rest), expect: "absent" };
}

export function keepUse({ id, lastUsedAt }: Used): Change {
  return { type: "put", space: useSpace, key: id, value: String(lastUsedAt) };
}

/** What was kept; null where it cannot be read, so that the token does not count. */
export function readToken(id: string, value: string): TokenRecord | null {
  try {
    const parsed = storedSchema.safeParse(JSON.parse(value));
    return parsed.success ? { id, ...parsed.data } : null;
  } catch {
    return null;
  }
}

export function viewOfToken(record: TokenRecord, lastUsedAt: number | null): TokenView {
  const { id, name, tenant, scopes: has, publish, subscribe, expiresAt, createdAt, createdBy } = record;
  return {
    ...{ id, name, tenant, scopes: has, publish, subscribe },
    expiresAt: expiresAt === null ? null : timestamp(expiresAt),
    createdAt: timestamp(createdAt),
    createdBy,
    lastUsedAt: lastUsedAt === null ? null : timestamp(lastUsedAt),
    links: { self: `/tokens/${id}` },
  };
}
