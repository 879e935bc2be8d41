/** When to try again: delays in milliseconds. */
export interface RetryPolicy {
  readonly enabled: boolean;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Failed attempts in a row after which to give up; null for never. */
  readonly maxAttempts: number | null;
}

/**
 * The delay before the next attempt: anywhere between `minDelayMs` and a ceiling that doubles with each failure, at
 * most `maxDelayMs`, so that clients which lost the same broker do not come back together. `random` is in [0, 1).
 */
export function retryDelay(policy: RetryPolicy, failures: number, random: number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.minDelayMs * 2 ** Math.min(failures, 30));
  return Math.round(policy.minDelayMs + random * Math.max(0, ceiling - policy.minDelayMs));
}

/**
 * How long a connection must have lasted before its loss counts as the first failure. Two clients that take one client
 * id from each other both connect at once, every time; without this they would do so for ever at `minDelayMs`.
 */
export function stableAfterMs(policy: RetryPolicy): number {
  return Math.min(policy.maxDelayMs, 30_000);
}
