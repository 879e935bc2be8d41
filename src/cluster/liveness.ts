/** What is known of the node that owns, by whoever looks at it; times are of the looker's own monotonic clock. */
export interface Sighting {
  /** When its heart was last seen to have beaten, or when it was first looked for. */
  readonly beatAt: number;
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
  { beatAt, unreachableSince }: Sighting,
  now: number,
  times: LivenessTimes,
): Judgement {
  const silent = now - beatAt;
  if (silent >= times.claimMs) return "dead";
  if (silent < times.suspectMs) return "alive";
  const isGone = unreachableSince !== null && now - unreachableSince >= times.unreachableMs;
  return isGone ? "dead" : "suspect";
}

/** After a gap in what the looker itself could do, it knows nothing of others: a cluster that stood still judges nobody. */
export function afterOwnGap(sighting: Sighting, now: number): Sighting {
  return { ...sighting, beatAt: now, unreachableSince: null };
}
