import { processBudgets, tenantBudgets, unboundedBudgets, type Budgets } from "./budgets.ts";
import { Counters } from "./metrics/counters.ts";
import { processRates, tenantRates, unboundedRates, type Rates } from "./rates.ts";
import { settingsTable, type Settings } from "./settings.ts";

/** What is bounded or counted, of one tenant or in all. */
export interface Shares {
  readonly budgets: Budgets;
  readonly rates: Rates;
  readonly counters: Counters;
}

/** All that there is. `now` is a monotonic clock in milliseconds. */
export function processShares(settings: Settings, now: () => number): Shares {
  return {
    budgets: processBudgets(settings),
    rates: processRates(settings, now),
    counters: new Counters(),
  };
}

/** One tenant's part of it; of the default one, which may have all, what it has is counted. */
export function tenantShares(settings: Settings, now: () => number, all: Shares, isDefault: boolean): Shares {
  return {
    budgets: isDefault ? unboundedBudgets(all.budgets) : tenantBudgets(settings, all.budgets),
    rates: isDefault ? unboundedRates(all.rates, now) : tenantRates(settings, now, all.rates),
    counters: new Counters(all.counters),
  };
}

/** Whether an operator has said how many calls there may be: then all who call are told. */
export function isRateSet({ maxRequestsPerSecond, tenantMaxRequestsPerSecond }: Settings): boolean {
  const { MAX_REQUESTS_PER_SECOND: all, TENANT_MAX_REQUESTS_PER_SECOND: part } = settingsTable;
  return maxRequestsPerSecond !== all.fallback || tenantMaxRequestsPerSecond !== part.fallback;
}
