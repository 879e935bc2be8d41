/** When a delivery that failed is tried again, and when it is given up; all in milliseconds. */
export interface Schedule {
  /** After the first failure, the second, …; the last one repeats. */
  readonly delaysMs: readonly number[];
  /** From the first attempt. The last attempt is made then. */
  readonly giveUpAfterMs: number;
  /** One exchange, from the name look-up to the end of the response. */
  readonly timeoutMs: number;
  /** The longest `Retry-After` that is honoured. */
  readonly mostRetryAfterMs: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** As Standard Webhooks recommends it. */
export const standardSchedule: Schedule = {
  delaysMs: [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour],
  giveUpAfterMs: 24 * hour,
  timeoutMs: 15 * second,
  mostRetryAfterMs: hour,
};

export interface Tried {
  /** Attempts that failed, this one included. */
  readonly failures: number;
  readonly sinceFirstMs: number;
  /** What the endpoint asked for; null when it did not. */
  readonly retryAfterMs: number | null;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * The delay before the next attempt; null when there is none. Up to a fifth is added at random, so that what failed
 * together does not come back together.
 */
export function nextDelay(schedule: Schedule, tried: Tried): number | null {
  const { delaysMs, giveUpAfterMs } = schedule;
  if (tried.sinceFirstMs >= giveUpAfterMs) return null;
  const delay =
    tried.retryAfterMs === null
      ? (delaysMs[Math.min(tried.failures, delaysMs.length) - 1] ?? giveUpAfterMs)
      : askedFor(schedule, tried.retryAfterMs);
  return Math.min(Math.round(delay * (1 + tried.random / 5)), giveUpAfterMs - tried.sinceFirstMs);
}

/** An endpoint that asks to be called again at once is not. */
function askedFor({ delaysMs, mostRetryAfterMs }: Schedule, retryAfterMs: number): number {
  return Math.min(Math.max(retryAfterMs, delaysMs[0] ?? 0), mostRetryAfterMs);
}

/** `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date, as milliseconds from `now`; null when it is neither. */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,10}$/.test(header)) return Number(header) * second;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
