import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import type { ClusterStanding } from "../../src/cluster-standing.ts";
import { ServerParts } from "../../src/server-parts.ts";
import { startApp } from "../support/app.ts";
import { adminToken } from "../support/access.ts";
import { standingOfTwo } from "../support/cluster-standing.ts";
import { principalOf, readMetrics } from "../support/limit-scene.ts";
import { startOpening } from "../support/starting.ts";
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

  it("is told to operators by a node that has no shard, since it has lost them or has yet to get any", async () => {
    let standing: ClusterStanding | null = null;
    using parts = new ServerParts(systemClock.monotonic);
    await using app = startOpening(
      { CONNACK_STORE: "memory", CONNACK_ADMIN_TOKEN: adminToken },
      { parts, cluster: () => standing, openStore: () => new Promise(() => {}) },
    );
    const get = (path: string, token?: string) =>
      app.call("GET", path, undefined, token === undefined ? {} : { authorization: `Bearer ${token}` });
    // Nothing is known of the others yet.
    assert.equal((await get("/metrics", adminToken)).status, 503);
    assert.deepEqual((await get("/readyz", adminToken)).body, { ready: false, progress: null });
    standing = { ...standingOfTwo, holdsLease: false };
    const ready = await get("/readyz", adminToken);
    assert.deepEqual([ready.status, ready.body.cluster], [503, standing]);
    const metrics = await get("/metrics", adminToken);
    assert.equal(metrics.status, 200);
    assert.match(metrics.text, /^connack_cluster_lease_held 0$/m);
    for (const token of [undefined, "b".repeat(40)]) {
      assert.deepEqual((await get("/readyz", token)).body, { ready: false });
      assert.equal((await get("/metrics", token)).body.code, "starting");
    }
  });
});
