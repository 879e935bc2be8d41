/** The time, passed in so that tests can be its master. Both in milliseconds. */
export interface Clock {
  /** Since the epoch; for people, and it may jump. */
  readonly wall: () => number;
  /** Since some moment, never backwards; for durations. */
  readonly monotonic: () => number;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/** RFC 3339 in UTC with milliseconds. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
