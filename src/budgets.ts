import { Budget } from "./budget.ts";
import type { Settings } from "./settings.ts";

/** What is counted of what callers make, and bounded: for a tenant, or in all. */
export interface Budgets {
  readonly connections: Budget;
  readonly streams: Budget;
  readonly waits: Budget;
  readonly webhooks: Budget;
}

/** What there may be in all. */
export function processBudgets(settings: Settings): Budgets {
  return {
    connections: new Budget("CONNACK_MAX_CONNECTIONS", settings.maxConnections),
    streams: new Budget("CONNACK_MAX_STREAMS", settings.maxStreams),
    waits: new Budget("CONNACK_MAX_WAITS", settings.maxWaits),
    webhooks: new Budget("CONNACK_MAX_WEBHOOKS", settings.maxWebhooks),
  };
}

/** What one tenant may have of that. */
export function tenantBudgets(settings: Settings, all: Budgets): Budgets {
  return {
    connections: new Budget("CONNACK_TENANT_MAX_CONNECTIONS", settings.tenantMaxConnections, all.connections),
    streams: new Budget("CONNACK_TENANT_MAX_STREAMS", settings.tenantMaxStreams, all.streams),
    waits: new Budget("CONNACK_TENANT_MAX_WAITS", settings.tenantMaxWaits, all.waits),
    webhooks: new Budget("CONNACK_TENANT_MAX_WEBHOOKS", settings.tenantMaxWebhooks, all.webhooks),
  };
}
