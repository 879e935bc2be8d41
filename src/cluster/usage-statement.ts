import type { Budgets } from "../budgets.ts";
import type { Rates } from "../rates.ts";

/**
 * What is counted of a tenant over all nodes. Left out is what a node counts by itself: bodies that are being read, which
 * are gone before anybody could be told; and logs and answers by Idempotency-Key, of which what is too much is thrown away,
 * not refused: what is known of others is a moment old, and has twice what is just being handed over, so that a node would
 * throw away what there is room for. Webhooks are counted where all are defined.
 */
export const sharedBudgets = [
  ...(["connections", "streams", "waits", "subscriptions", "inflight", "outboxBytes"] as const),
] as const satisfies readonly (keyof Budgets)[];
export type SharedBudget = (typeof sharedBudgets)[number];

export const sharedRates = ["requests", "attempts"] as const satisfies readonly (keyof Rates)[];
export type SharedRate = (typeof sharedRates)[number];

/** How much was taken of a rate: as long as the node has had the tenant, and since it told of it last. */
export type Taken = readonly [total: number, since: number];

/** What one tenant has on a node. */
export interface TenantUsage {
  readonly tenant: string;
  /** What is not here is 0. */
  readonly used: Partial<Record<SharedBudget, number>>;
  readonly taken: Partial<Record<SharedRate, Taken>>;
}

/** What a node tells the others. */
export interface Statement {
  readonly node: string;
  /** Grows by one: a statement that comes late says nothing. */
  readonly number: number;
  readonly tenants: readonly TenantUsage[];
}

/** In one statement, which is about 20 KiB then, and at most 100. */
export const mostTenantsTold = 200;

export function encodeStatement(statement: Statement): string {
  return JSON.stringify(statement);
}

/** Null for what no node says. */
export function decodeStatement(text: string): Statement | null {
  try {
    const said = JSON.parse(text) as Partial<Statement> | null;
    if (typeof said?.node !== "string" || typeof said.number !== "number") return null;
    const { node, number, tenants } = said;
    if (!Array.isArray(tenants) || !tenants.every(isUsage)) return null;
    return { node, number, tenants };
  } catch {
    return null;
  }
}

function isUsage(value: unknown): value is TenantUsage {
  const { tenant, used, taken } = (value ?? {}) as Partial<TenantUsage>;
  return (
    typeof tenant === "string" &&
    Object.values(used ?? { none: null }).every(isCount) &&
    Object.values(taken ?? { none: null }).every((pair) => Array.isArray(pair) && pair.every(isCount))
  );
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}
