import type { TopicFilter } from "../mqtt/topic.ts";
import { Tenure } from "./tenure.ts";

/** What a principal may be allowed to do; `admin` includes the others. */
export const scopes = ["connections:read", "connections:write", "publish", "subscribe", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** The tenant of those who call without a token, and of the operators: its admins rule over the tokens of all tenants. */
export const defaultTenant = "default";

/** The name of whoever calls without a token. */
export const anyone = "anyone";

/** Who calls, what they may do, and whose things they see. */
export interface Principal {
  /** Names it in logs; never a secret. */
  readonly id: string;
  readonly tenant: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Topic names that it publishes to must match one of these; null: any. */
  readonly publish: readonly TopicFilter[] | null;
  /** What it subscribes to and reads must be covered by these; null: anything. */
  readonly subscribe: readonly TopicFilter[] | null;
  /** Its right to be here; what is under way ends with it. */
  readonly tenure: Tenure;
}

/** Whoever calls a server that has no tokens, which only this machine can reach. */
export function openPrincipal(): Principal {
  return {
    id: anyone,
    tenant: defaultTenant,
    scopes: new Set(scopes),
    publish: null,
    subscribe: null,
    tenure: new Tenure(),
  };
}

/** Whether a principal is that of a server without tokens: its right never ends. */
export function isAnyone({ id }: Principal): boolean {
  return id === anyone;
}

/** Who calls without a token where one is needed: sees what is public, and belongs to no tenant. */
export function nobody(): Principal {
  return { id: "nobody", tenant: "", scopes: new Set(), publish: [], subscribe: [], tenure: new Tenure() };
}

/** Whether a principal has this scope, or `admin`, which includes it. */
export function hasScope({ scopes: has }: Principal, scope: Scope): boolean {
  return has.has(scope) || has.has("admin");
}

/** Whether a principal rules over every tenant. */
export function isOperator({ scopes: has, tenant }: Principal): boolean {
  return has.has("admin") && tenant === defaultTenant;
}
