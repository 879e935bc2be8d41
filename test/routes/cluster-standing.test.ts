import assert from "node:assert/strict";
import type { ClusterStanding } from "../../src/cluster-standing.ts";
import { startApp } from "../support/app.ts";
import { standingOfTwo } from "../support/cluster-standing.ts";
import { principalOf, readMetrics } from "../support/limit-scene.ts";
import { describe, it } from "../support/test.ts";

const ofCluster = (names: Iterable<string>) =>
  [...names].filter((name) => name.startsWith("connack_cluster_"));

describe("what a node of a cluster tells of it", () => {
  it("is in /metrics: nodes, shards, moves, lease, lag, calls", async () => {
    await using app = await startApp({}, { cluster: () => standingOfTwo });
    const metrics = await readMetrics(app);
    assert.deepEqual(
      Object.fromEntries([...metrics].filter(([name]) => name.startsWith("connack_cluster_"))),
      {
        connack_cluster_nodes: 2,
        'connack_cluster_shards{state="owned"}': 2,
        'connack_cluster_shards{state="elsewhere"}': 1,
        'connack_cluster_shards{state="unowned"}': 1,
        'connack_cluster_moves_total{cause="start"}': 2,
        'connack_cluster_moves_total{cause="node-lost"}': 1,
        connack_cluster_lease_held: 1,
        connack_cluster_lag_seconds: 1.25,
        'connack_cluster_calls_total{outcome="answered"}': 7,
        'connack_cluster_calls_total{outcome="lost"}': 1,
      },
    );
  });

  it("is absent where there is one node, and for who does not run the server", async () => {
    const reader = { scopes: new Set(["connections:read"] as const), id: "r" };
    await using alone = await startApp();
    await using tenant = await startApp(
      {},
      { cluster: () => standingOfTwo, principal: principalOf("t", reader) },
    );
    for (const app of [alone, tenant]) {
      assert.deepEqual(ofCluster((await readMetrics(app)).keys()), []);
      assert.ok(!("cluster" in (await app.call("GET", "/readyz")).body));
    }
  });

  it("is in /readyz, which is false while the node holds no lease", async () => {
    let standing: ClusterStanding = standingOfTwo;
    await using app = await startApp({}, { cluster: () => standing });
    const well = await app.call("GET", "/readyz");
    assert.equal(well.status, 200);
    assert.deepEqual(well.body.cluster, standingOfTwo);
    standing = { ...standingOfTwo, holdsLease: false, lagMs: 21_000 };
    const cut = await app.call("GET", "/readyz");
    assert.deepEqual([cut.status, cut.body.ready, cut.body.cluster.holdsLease], [503, false, false]);
    assert.equal((await readMetrics(app)).get("connack_cluster_lease_held"), 0);
  });
});
