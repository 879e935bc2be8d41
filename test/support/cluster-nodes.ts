import type { NatsConnection } from "@nats-io/transport-node";
import { openGrounds } from "../../src/cluster/grounds.ts";
import { defaultTimes, type LivenessTimes } from "../../src/cluster/liveness.ts";
import { ClusterNode } from "../../src/cluster/node.ts";
import type { Claim } from "../../src/cluster/term.ts";
import type { Lease, Store } from "../../src/store/store.ts";

/** A node whose terms do nothing but hold their stores. */
export interface TestNode {
  readonly name: string;
  readonly node: ClusterNode;
  readonly connection: NatsConnection;
  /** Its terms, in their order; some may be over. */
  readonly terms: readonly TestTerm[];
  /** The shards that it owns. */
  owned(): readonly number[];
  /** Resolves when what it owns fits, which it may already. */
  until(fits: (owned: readonly number[]) => boolean): Promise<void>;
}

export interface TestTerm {
  readonly shard: number;
  readonly claim: Claim;
  readonly store: Store;
  readonly lease: Lease;
  /** When it ended, and whether in a hurry; null before. */
  closed: { readonly at: number; readonly inHurry: boolean } | null;
}

export interface TestNodeOptions {
  readonly place: string;
  readonly name: string;
  readonly shards?: number;
  readonly times?: Partial<LivenessTimes>;
}

export async function startNode(
  connection: NatsConnection,
  { place, name, shards = 6, times = {} }: TestNodeOptions,
): Promise<TestNode> {
  const newEpoch = () => `epoch-${place}`;
  const grounds = await openGrounds({
    connection,
    name: place,
    replicas: 1,
    shards,
    maxBytes: 1e9,
    newEpoch,
  });
  const terms: TestTerm[] = [];
  const node = new ClusterNode({
    ...{ grounds, node: name, name, version: "0", startedAt: new Date().toISOString() },
    begin: async (shard, store, claim) => {
      const term: TestTerm = { shard, claim, store, lease: await store.acquire(), closed: null };
      terms.push(term);
      return {
        async close(inHurry) {
          term.closed = { at: performance.now(), inHurry };
          await store[Symbol.asyncDispose]();
        },
      };
    },
    load: () => 0,
    onTrouble: () => {},
    now: () => performance.now(),
    times: { ...defaultTimes, ...times },
    pace: { gatherMs: 300, settleMs: 600, handOverEveryMs: 50 },
  });
  await node.begin();
  const owned = () =>
    Array.from({ length: shards }, (_, shard) => shard).filter(
      (shard) => node.standing(shard).role === "owner",
    );
  return {
    ...{ name, node, connection, terms, owned },
    until: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          if (!fits(owned())) return;
          unlisten();
          resolve();
        };
        const unlisten = node.onChange(look);
        look();
      }),
  };
}
