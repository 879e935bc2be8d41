import assert from "node:assert/strict";
import { scopes } from "../../src/access/principal.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { principalOf, readMetrics } from "../support/limit-scene.ts";
import { acknowledgesWith, message, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const namesOf = (metrics: ReadonlyMap<string, number>) =>
  new Set([...metrics.keys()].map((name) => name.replace(/\{.*/, "")));

async function publish(app: TestApp, id: string, topic: string): Promise<number> {
  const path = `/connections/${id}/publish?topic=${encodeURIComponent(topic)}`;
  return (await app.call("POST", path, "x", { "content-type": "text/plain" })).status;
}

describe("GET /metrics", () => {
  it("is in the text form, with help and type, and counts what has happened", async () => {
    await using broker = await startScriptedBroker(
      opens({}, (peer) => {
        acknowledgesWith(peer);
        peer.send(message("a", "hello"));
      }),
    );
    await using app = await startApp();
    assert.equal((await app.open({ id: "c", url: broker.url })).status, 201);
    assert.equal(await publish(app, "c", "b"), 202);
    assert.equal((await app.open({ id: "n", url: "mqtt://127.0.0.1:1" })).status, 502);
    const { headers, text } = await app.call("GET", "/metrics");
    assert.match(headers.get("content-type") ?? "", /^text\/plain; ?version=0\.0\.4/);
    assert.match(text, /^# HELP connack_connections .+$/m);
    assert.match(text, /^# TYPE connack_attempts_total counter$/m);
    const metrics = await readMetrics(app);
    const expected: Record<string, number> = {
      'connack_connections{state="connected"}': 1,
      'connack_connections{state="failed"}': 0,
      'connack_attempts_total{outcome="connected"}': 1,
      'connack_attempts_total{outcome="connection-refused"}': 1,
      'connack_problems_total{code="connection-refused"}': 1,
      'connack_requests_total{status="5xx"}': 1,
      'connack_messages_total{direction="in"}': 1,
      'connack_messages_total{direction="out"}': 1,
      connack_store_healthy: 1,
      'connack_build_info{version="0.0.0-test"}': 1,
      'connack_limit_used{limit="CONNACK_MAX_CONNECTIONS"}': 1,
      'connack_limit_used{limit="CONNACK_MAX_TENANTS"}': 1,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(metrics.get(name), value, name);
  });

  it("keeps what a connection has carried when it has gone", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    assert.equal((await app.open({ id: "c", url: broker.url })).status, 201);
    for (let n = 0; n < 3; n += 1) assert.equal(await publish(app, "c", "b"), 202);
    assert.equal((await app.call("DELETE", "/connections/c")).status, 200);
    await broker.idle();
    assert.equal((await readMetrics(app)).get('connack_messages_total{direction="out"}'), 3);
  });

  it("has no more series after 10,000 topics, and as many client ids", async () => {
    await using broker = await startScriptedBroker(opens({}, (peer) => acknowledgesWith(peer)));
    await using app = await startApp();
    const some = async (from: number, to: number) => {
      for (let n = from; n < to; n += 100) {
        const batch = Array.from({ length: 100 }, (_, k) => ({ topic: `topic/${n + k}`, payload: "x" }));
        const answer = await app.call("POST", "/connections/c/publish", batch);
        assert.equal(answer.status, 207, answer.text);
        const calls = [`/connections/none-${n}`, `/nowhere/${n}`].map((path) => app.call("GET", path));
        await Promise.all(calls);
      }
      // Client ids, and hosts that there are not.
      const opening = Array.from({ length: 20 }, (_, k) =>
        app.open({ url: broker.url, clientId: `client-${from}-${k}`, protocolVersion: "5" }),
      );
      for (const { status, body } of await Promise.all(opening)) {
        assert.equal(status, 201);
        assert.equal((await app.call("DELETE", `/connections/${body.id}?force=true`)).status, 200);
      }
      await app.call("POST", "/probe", { url: `mqtt://host-${from}.invalid` });
    };
    assert.equal((await app.open({ id: "c", url: broker.url })).status, 201);
    await some(0, 100);
    // Itself counts among what was answered.
    await readMetrics(app);
    const before = await readMetrics(app);
    await some(100, 10_000);
    const after = await readMetrics(app);
    assert.deepEqual([...after.keys()], [...before.keys()]);
    assert.ok(after.get('connack_messages_total{direction="out"}')! >= 10_000);
    assert.doesNotMatch([...after.keys()].join("\n"), /topic\/|client-|invalid|none-/);
  });

  it("shows a tenant what is its own, and the server to an operator alone", async () => {
    const reader = { scopes: new Set(["connections:read"] as const), id: "r" };
    await using operator = await startApp();
    await using tenant = await startApp({}, { principal: principalOf("t", reader) });
    await using member = await startApp({}, { principal: principalOf("default", reader) });
    const serverAlone = ["connack_store_healthy", "connack_build_info", "connack_connections_restoring"];
    const all = await readMetrics(operator);
    for (const name of serverAlone) assert.ok(namesOf(all).has(name), name);
    for (const app of [tenant, member])
      for (const name of serverAlone) assert.ok(!namesOf(await readMetrics(app)).has(name), name);
    const own = await readMetrics(tenant);
    assert.equal(own.get('connack_limit_max{limit="CONNACK_TENANT_MAX_STREAMS"}'), 2_000);
    assert.equal(own.get('connack_limit_max{limit="CONNACK_MAX_STREAMS"}'), undefined);
    assert.equal(own.get('connack_limit_max{limit="CONNACK_MAX_TENANTS"}'), undefined);
  });

  it("needs the scope connections:read", async () => {
    const others = new Set(scopes.filter((scope) => scope !== "connections:read" && scope !== "admin"));
    await using app = await startApp({}, { principal: principalOf("t", { scopes: others, id: "x" }) });
    const refused = await app.call("GET", "/metrics");
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, "forbidden");
  });
});
