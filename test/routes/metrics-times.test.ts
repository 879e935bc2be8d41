import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { durablePlace, inState } from "../support/durable-app.ts";
import { readMetrics } from "../support/limit-scene.ts";
import { acknowledgesWith, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("GET /metrics, how long things take", () => {
  it("has the stages of attempts that succeeded, and publishes by QoS and outcome", async () => {
    await using broker = await startScriptedBroker(opens({}, (peer) => acknowledgesWith(peer)));
    await using refusing = await startScriptedBroker(refuses(0x86));
    await using app = await startApp();
    assert.equal((await app.open({ id: "c", url: broker.url })).status, 201);
    assert.equal((await app.open({ url: refusing.url })).status, 502);
    for (const qos of [0, 1]) {
      const path = `/connections/c/publish?topic=a&qos=${qos}`;
      const { status } = await app.call("POST", path, "x", { "content-type": "text/plain" });
      assert.equal(status, qos === 0 ? 202 : 200);
    }
    const metrics = await readMetrics(app);
    for (const stage of ["dns", "tcp", "connack"])
      assert.equal(metrics.get(`connack_connect_stage_seconds_count{stage="${stage}"}`), 1, stage);
    assert.equal(metrics.get('connack_connect_stage_seconds_count{stage="tls"}'), undefined);
    assert.equal(metrics.get('connack_publish_seconds_bucket{qos="0",outcome="sent",le="0.001"}'), 1);
    assert.equal(metrics.get('connack_publish_seconds_count{qos="1",outcome="acknowledged"}'), 1);
    assert.ok(metrics.get('connack_publish_seconds_sum{qos="1",outcome="acknowledged"}')! > 0);
    const refused = 'connack_broker_reasons_total{packet="connack",reason="Bad User Name or Password"}';
    assert.equal(metrics.get(refused), 1);
    assert.ok(metrics.get("process_resident_memory_bytes")! > 1_000_000);
    const startedAt = metrics.get("process_start_time_seconds")!;
    assert.ok(Math.abs(Date.now() / 1_000 - startedAt) < 600, `${startedAt}`);
    assert.ok(metrics.has("connack_event_loop_lag_seconds_count"));
  });

  it("counts a DISCONNECT of the broker's by its reason, and gaps by theirs", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      await accepts()(peer);
      peer.send({ cmd: "disconnect", reasonCode: 0x8b });
      peer.end();
    });
    await using app = await startApp();
    await app.open({ id: "c", url: broker.url, reconnect: { enabled: false } });
    await inState(app, "c", "failed");
    const reason = 'connack_broker_reasons_total{packet="disconnect",reason="Server shutting down"}';
    assert.equal((await readMetrics(app)).get(reason), 1);
    for (const path of ["/connections/c/events?format=json", "/connections/c/messages?limit=1"])
      assert.equal((await app.call("GET", `${path}&after=nowhere-1`)).status, 200);
    const gaps = [...(await readMetrics(app))].filter(([name]) => name.startsWith("connack_gaps_total"));
    assert.deepEqual(gaps, [['connack_gaps_total{reason="restarted"}', 2]]);
  });

  it("has what the store takes to keep things, where it is on disk, and what waits in outboxes", async () => {
    await using place = durablePlace();
    await using broker = await startScriptedBroker(accepts());
    const app = await place.start();
    const answer = await app.call("PUT", "/connections/c", { url: broker.url });
    assert.equal(answer.status, 201, answer.text);
    const queued = await app.call("POST", "/connections/c/publish?topic=a&qos=1&queue=60", "x", {
      "content-type": "text/plain",
    });
    assert.equal(queued.status, 202, queued.text);
    const metrics = await readMetrics(app);
    assert.ok(metrics.get("connack_store_commit_seconds_count")! >= 2);
    assert.equal(metrics.get("connack_outbox_messages"), 1);
    assert.equal(metrics.get("connack_log_messages"), 0);
  });
});
