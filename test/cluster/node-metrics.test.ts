import assert from "node:assert/strict";
import { home, shardOf } from "../../src/cluster/front-shard.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { readMetrics } from "../support/limit-scene.ts";
import { startNats } from "../support/nats.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const shards = 4;

describe("GET /metrics of a node", () => {
  it("tells of all shards of the node, and of calls that it takes to others", async () => {
    await using nats = await startNats();
    await using broker = await startScriptedBroker(accepts());
    const start = (name: string) =>
      startApp({
        ...{ CONNACK_STORE: nats.url, CONNACK_CLUSTER_NAME: "metrics", CONNACK_CLUSTER_NODE: name },
        ...{ CONNACK_CLUSTER_SHARDS: String(shards), CONNACK_CLUSTER_REPLICAS: "1" },
        CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
      });
    await using one = await start("one");
    await using two = await start("two");
    const owned = async (node: TestApp): Promise<number[]> =>
      (await node.call("GET", "/readyz")).body.cluster?.shards.owned ?? [];
    // The second has come, and has its share.
    while ((await owned(one)).length !== shards / 2 || (await owned(two)).length !== shards / 2);
    const own = await owned(one);
    const places = own.filter((shard) => shard !== home);
    const idOf = (shard: number) => {
      for (let n = 0; ; n += 1) if (shardOf(`c${n}`, shards) === shard) return `c${n}`;
    };
    const commits = async () => (await readMetrics(one)).get("connack_store_commit_seconds_count") ?? 0;
    for (const shard of places) {
      const before = await commits();
      const put = await one.call("PUT", `/connections/${idOf(shard)}`, { url: broker.url });
      assert.equal(put.status, 201, put.text);
      assert.ok((await commits()) > before, `those of shard ${shard} are not counted`);
    }
    const elsewhere = (await owned(two)).find((shard) => shard !== home) ?? home;
    assert.equal((await one.call("PUT", `/connections/${idOf(elsewhere)}`, { url: broker.url })).status, 201);
    const metrics = await readMetrics(one);
    const of = (name: string) => metrics.get(`connack_cluster_${name}`);
    assert.deepEqual(
      ["owned", "elsewhere", "unowned"].map((state) => of(`shards{state="${state}"}`)),
      [own.length, shards - own.length, 0],
    );
    assert.deepEqual([of("nodes"), of("lease_held")], [2, 1]);
    assert.ok((of("lag_seconds") ?? Infinity) < 20);
    assert.ok((of('calls_total{outcome="answered"}') ?? 0) >= 1);
    assert.equal(metrics.get('connack_connections{state="connected"}'), places.length);
    const moves = [...metrics].filter(([name]) => name.startsWith("connack_cluster_moves_total"));
    assert.ok(moves.reduce((sum, [, count]) => sum + count, 0) >= own.length);
  });
});
