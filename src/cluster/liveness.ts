/** What is known of the node that owns, by whoever looks at it; times are of the looker's own monotonic clock. */
export interface Sighting {
  /** When its heart was last seen to have beaten, or when it was first looked for; later by as long as nobody could tell. */
  readonly beatAt: number;
  /** Since when the looker has been able to see it without a break: what it did not see in that, was not there. */
  readonly watchedSince: number;
  /** Since when asking it directly has found that nobody is there; null when it has not. */
  readonly unreachableSince: number | null;
}

/** How long what takes, in milliseconds. */
export interface LivenessTimes {
  readonly beatMs: number;
  /** Without a beat for so long, it is asked directly whether it is there. */
  readonly suspectMs: number;
  /** Nobody being there for so long, it is dead. */
  readonly unreachableMs: number;
  /** A node that could not renew for so long drops all by itself. */
  readonly selfMs: number;
  /** Without a beat for so long, it is dead, whatever else; longer than `selfMs`, so that it has dropped all by then. */
  readonly claimMs: number;
}

/** An election of NATS's takes up to 9 s, in which nobody can renew: shorter ones would drop everything with it. */
export const defaultTimes: LivenessTimes = {
  beatMs: 1_000,
  suspectMs: 2_500,
  unreachableMs: 250,
  selfMs: 20_000,
  claimMs: 25_000,
};

export type Judgement = "alive" | "suspect" | "dead";

/** Whether a node is to be taken for dead. To be wrong is safe, for the fence holds, but costs everybody's connections. */
export function judgeOwner(
  { beatAt, watchedSince, unreachableSince }: Sighting,
  now: number,
  times: LivenessTimes,
): Judgement {
  if (now - beatAt >= times.claimMs) return "dead";
  if (now - Math.max(beatAt, watchedSince) < times.suspectMs) return "alive";
  const isGone = unreachableSince !== null && now - unreachableSince >= times.unreachableMs;
  return isGone ? "dead" : "suspect";
}

/** One that was seen at this moment. */
export function seen(now: number): Sighting {
  return { beatAt: now, watchedSince: now, unreachableSince: null };
}

/**
 * After a time in which the looker itself could not see or write: a cluster that stood still judges nobody. That time does
 * not count; what it had counted before does, or somebody who is slow now and then would never find out.
 */
export function afterOwnGap({ beatAt }: Sighting, now: number, gapMs: number): Sighting {
  return { beatAt: Math.min(now, beatAt + gapMs), watchedSince: now, unreachableSince: null };
}
