/** What a node of a cluster knows of itself and of the others, for those who run it. */
export interface ClusterStanding {
  readonly name: string;
  /** What this node is called. */
  readonly node: string;
  /** Whether it can write where everything is kept; it lets go of all that it has when it cannot for 20 seconds. */
  readonly holdsLease: boolean;
  /** What of all that is acknowledged survives what. */
  readonly survives: string;
  /** Nodes that are taken for alive. */
  readonly nodes: readonly NodeStanding[];
  readonly shards: {
    readonly total: number;
    readonly owned: readonly number[];
    readonly unowned: readonly number[];
  };
  /** Shards that this node has got since it was started, by why. */
  readonly moves: Readonly<Record<string, number>>;
  /** Calls that this node took to others since it was started, by what came of them. */
  readonly calls: Readonly<Record<string, number>>;
  /** Since when this node has not heard of the servers, in milliseconds. */
  readonly lagMs: number;
}

export interface NodeStanding {
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly shards: readonly number[];
  readonly connections: number;
  /** Whether it is given shards: it has been there for a while, and is not about to go. */
  readonly isSettled: boolean;
}
