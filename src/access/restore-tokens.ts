import type { Store, StoredRecord } from "../store/store.ts";
import { HeldToken } from "./held-token.ts";
import { readToken, tokenSpace, useSpace, type TokenRecord } from "./token-record.ts";

const pageSize = 1_000;

export interface RestoredTokens {
  /** In the order in which they were made. */
  readonly tokens: readonly HeldToken[];
  /** How many are of a form that this version does not know. */
  readonly unreadable: number;
  /** Tokens that were used once, and are gone. */
  readonly orphans: readonly string[];
}

/** Reads all tokens of a store. What many of them have in common is held once. */
export async function restoreTokens(store: Pick<Store, "records">): Promise<RestoredTokens> {
  const common = new Map<string, unknown>();
  const once = <T>(value: T): T => {
    const key = JSON.stringify(value);
    if (!common.has(key)) common.set(key, value);
    return common.get(key) as T;
  };
  const uses = new Map<string, number>();
  for await (const { key, value } of readAll(store, useSpace)) uses.set(key, Number(value) || 0);
  const records: TokenRecord[] = [];
  let unreadable = 0;
  for await (const { key, value } of readAll(store, tokenSpace)) {
    const record = readToken(key, value);
    if (record === null) unreadable += 1;
    else {
      const { tenant, scopes, createdBy } = record;
      records.push({
        ...record,
        tenant: once(tenant),
        scopes: once(scopes),
        createdBy: once(createdBy),
      });
    }
  }
  const tokens = records
    .toSorted((a, b) => a.order - b.order)
    .map((record) => new HeldToken(record, uses.get(record.id) ?? null));
  for (const { id } of records) uses.delete(id);
  return { tokens, unreadable, orphans: [...uses.keys()] };
}

/** All records of a space. */
export async function* readAll(store: Pick<Store, "records">, space: string): AsyncGenerator<StoredRecord> {
  let after: string | null = null;
  for (;;) {
    const page: readonly StoredRecord[] = await store.records(space, after, pageSize);
    yield* page;
    after = page.at(-1)?.key ?? null;
    if (page.length < pageSize) return;
  }
}
