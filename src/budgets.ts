import { Budget } from "./budget.ts";
import type { Settings } from "./settings.ts";

/** What is counted of what callers make, and bounded: for a tenant, or in all. */
export interface Budgets {
  readonly connections: Budget;
  readonly streams: Budget;
  readonly waits: Budget;
  readonly webhooks: Budget;
  readonly subscriptions: Budget;
  /** Publishes under way. */
  readonly inflight: Budget;
  readonly outboxBytes: Budget;
  /** Of message logs, and of lifecycle events. */
  readonly logBytes: Budget;
  readonly idempotencyKeys: Budget;
  readonly idempotencyBytes: Budget;
  /** Of request bodies that are being read. */
  readonly bodyBytes: Budget;
}

type Name = keyof Budgets;

/** How much there may be in all, and for a tenant; the names of the settings without `CONNACK_` and `CONNACK_TENANT_`. */
const bounds = {
  connections: ["MAX_CONNECTIONS", "maxConnections", "tenantMaxConnections"],
  streams: ["MAX_STREAMS", "maxStreams", "tenantMaxStreams"],
  waits: ["MAX_WAITS", "maxWaits", "tenantMaxWaits"],
  webhooks: ["MAX_WEBHOOKS", "maxWebhooks", "tenantMaxWebhooks"],
  subscriptions: ["MAX_TOTAL_SUBSCRIPTIONS", "maxTotalSubscriptions", "tenantMaxTotalSubscriptions"],
  inflight: ["MAX_TOTAL_INFLIGHT", "maxTotalInflight", "tenantMaxTotalInflight"],
  outboxBytes: ["MAX_TOTAL_OUTBOX_BYTES", "maxTotalOutboxBytes", "tenantMaxTotalOutboxBytes"],
  logBytes: ["MAX_TOTAL_LOG_BYTES", "maxTotalLogBytes", "tenantMaxTotalLogBytes"],
  idempotencyKeys: ["MAX_IDEMPOTENCY_KEYS", "maxIdempotencyKeys", "tenantMaxIdempotencyKeys"],
  idempotencyBytes: ["MAX_IDEMPOTENCY_BYTES", "maxIdempotencyBytes", "tenantMaxIdempotencyBytes"],
  bodyBytes: ["MAX_TOTAL_BODY_BYTES", "maxTotalBodyBytes", "tenantMaxTotalBodyBytes"],
} as const satisfies Record<Name, readonly [string, keyof Settings, keyof Settings]>;

/** What there may be in all. */
export function processBudgets(settings: Settings): Budgets {
  return budgets((name) => {
    const [setting, most] = bounds[name];
    return new Budget(`CONNACK_${setting}`, settings[most]);
  });
}

/** What one tenant may have of that. */
export function tenantBudgets(settings: Settings, all: Budgets): Budgets {
  return budgets((name) => {
    const [setting, , most] = bounds[name];
    return new Budget(`CONNACK_TENANT_${setting}`, settings[most], all[name]);
  });
}

/** For a tenant that may have all there is: its own are counted apart, and bounded by nothing else. */
export function unboundedBudgets(all: Budgets): Budgets {
  return budgets((name) => new Budget(all[name].setting, all[name].most, all[name]));
}

function budgets(make: (name: Name) => Budget): Budgets {
  return Object.fromEntries(
    Object.keys(bounds).map((name) => [name, make(name as Name)]),
  ) as unknown as Budgets;
}
