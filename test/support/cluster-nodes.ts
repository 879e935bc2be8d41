import { openGrounds } from "../../src/cluster/grounds.ts";
import { defaultTimes, type LivenessTimes } from "../../src/cluster/liveness.ts";
import type { Claim } from "../../src/cluster/lookout.ts";
import { ClusterNode } from "../../src/cluster/node.ts";
import type { Lease, Store } from "../../src/store/store.ts";
import type { NatsConnection } from "@nats-io/transport-node";

/** A node whose terms do nothing but hold the store. */
export interface TestNode {
  readonly name: string;
  readonly node: ClusterNode;
  readonly connection: NatsConnection;
  /** Its terms, in their order; the last one may be over. */
  readonly terms: readonly TestTerm[];
  /** Resolves when it owns, which it may already. */
  owns(): Promise<TestTerm>;
}

export interface TestTerm {
  readonly claim: Claim;
  readonly store: Store;
  readonly lease: Lease;
  /** When it ended, and whether in a hurry; null before. */
  closed: { readonly at: number; readonly inHurry: boolean } | null;
}

export async function startNode(
  connection: NatsConnection,
  place: string,
  name: string,
  times: Partial<LivenessTimes> = {},
): Promise<TestNode> {
  const grounds = await openGrounds({
    ...{ connection, name: place, replicas: 1, maxBytes: 1e9, newEpoch: () => `epoch-${place}` },
  });
  const terms: TestTerm[] = [];
  const node = new ClusterNode({
    ...{ grounds, node: name, name, version: "0", startedAt: new Date().toISOString() },
    begin: async (store, claim) => {
      const term: TestTerm = { claim, store, lease: await store.acquire(), closed: null };
      terms.push(term);
      return {
        async close(inHurry) {
          term.closed = { at: performance.now(), inHurry };
          await store[Symbol.asyncDispose]();
        },
      };
    },
    onTrouble: () => {},
    now: () => performance.now(),
    times: { ...defaultTimes, ...times },
  });
  await node.begin();
  return {
    ...{ name, node, connection, terms },
    owns: () =>
      new Promise((resolve) => {
        const look = () => {
          const term = terms.at(-1);
          if (node.standing.role === "owner" && term !== undefined) resolve(term);
        };
        node.onStanding(look);
        look();
      }),
  };
}
