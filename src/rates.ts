import { attemptRate, Rate, requestRate } from "./rate.ts";
import type { Settings } from "./settings.ts";

/** What is bounded in time: for a tenant, or in all. */
export interface Rates {
  /** Calls. */
  readonly requests: Rate;
  /** Attempts to connect to a broker, whoever asked for them. */
  readonly attempts: Rate;
}

/** How often anything may happen. `now` is a monotonic clock in milliseconds. */
export function processRates(settings: Settings, now: () => number): Rates {
  const { maxRequestsPerSecond, maxAttemptsPerMinute } = settings;
  return {
    requests: new Rate("CONNACK_MAX_REQUESTS_PER_SECOND", maxRequestsPerSecond, requestRate, now),
    attempts: new Rate("CONNACK_MAX_ATTEMPTS_PER_MINUTE", maxAttemptsPerMinute, attemptRate, now),
  };
}

/** How much of that may be one tenant's. */
export function tenantRates(settings: Settings, now: () => number, all: Rates): Rates {
  const requests = ["CONNACK_TENANT_MAX_REQUESTS_PER_SECOND", settings.tenantMaxRequestsPerSecond] as const;
  const attempts = ["CONNACK_TENANT_MAX_ATTEMPTS_PER_MINUTE", settings.tenantMaxAttemptsPerMinute] as const;
  return {
    requests: new Rate(...requests, requestRate, now, all.requests),
    attempts: new Rate(...attempts, attemptRate, now, all.attempts),
  };
}

/** For a tenant that may have all there is. */
export function unboundedRates(all: Rates, now: () => number): Rates {
  return {
    requests: new Rate(all.requests.setting, all.requests.most, requestRate, now, all.requests),
    attempts: new Rate(all.attempts.setting, all.attempts.most, attemptRate, now, all.attempts),
  };
}
