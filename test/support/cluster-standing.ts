import type { ClusterStanding } from "../../src/cluster-standing.ts";

/** As node `a` sees it: two nodes, of whose four shards one belongs to nobody. */
export const standingOfTwo: ClusterStanding = {
  ...{ name: "connack", node: "a", holdsLease: true, survives: "everything survives" },
  nodes: [
    {
      ...{ name: "a", version: "1.2.3", startedAt: "2026-01-02T03:04:05.000Z" },
      ...{ shards: [0, 2], connections: 12, isSettled: true },
    },
    {
      ...{ name: "b", version: "1.2.4", startedAt: "2026-01-02T03:04:06.000Z" },
      ...{ shards: [1], connections: 3, isSettled: false },
    },
  ],
  shards: { total: 4, owned: [0, 2], unowned: [3] },
  moves: { start: 2, "node-lost": 1 },
  calls: { answered: 7, lost: 1 },
  lagMs: 1_250,
};
