import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { acceptsThen } from "../support/broker-scripts.ts";
import { durablePlace } from "../support/durable-app.ts";
import { assertProblem } from "../support/invariants.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";
import { quick, silence, startEndpoint, status, verify } from "../support/webhook-endpoint.ts";

const overrides = { webhookSchedule: quick };

describe("webhooks in a store", () => {
  it("come back after a restart, with what was not delivered, and their secrets are sealed", async () => {
    await using place = durablePlace();
    await using endpoint = await startEndpoint(silence);
    await using broker = await startScriptedBroker(
      acceptsThen((peer) => {
        peer.answer("publish", () => {});
        if (peer.number > 1) return;
        for (const [n, text] of ["1", "2"].entries())
          peer.send(message("t", text, { qos: 1, messageId: n + 1 }));
      }),
    );
    const before = await place.start(place.environment, overrides);
    const created = await before.call("POST", "/webhooks", { url: endpoint.url, topics: ["#"] });
    assert.equal(created.status, 201, created.text);
    const { id, secret } = created.body;
    const request = { url: broker.url, log: { durable: true } };
    assert.equal((await before.call("PUT", "/connections/home", request)).status, 201);
    await endpoint.nth(1);
    await before.stop();

    endpoint.answer = status(204);
    const after = await place.start(place.environment, overrides);
    await endpoint.nth(3);
    const [lost, first, second] = endpoint.received;
    assert.equal(lost?.headers["webhook-id"], first?.headers["webhook-id"]);
    assert.equal(lost?.text, first?.text);
    assert.equal(second?.body.data.payload, "2");
    for (const one of endpoint.received) verify(secret, one);
    const { secret: _, ...view } = created.body;
    const now = (await after.call("GET", `/webhooks/${id}`)).body;
    assert.deepEqual([now.url, now.topics, now.createdAt], [view.url, view.topics, view.createdAt]);
    await after.stop();
    const folder = dirname(place.file);
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      assert.ok(!bytes.includes(secret.slice(6)), name);
    }
  });

  it("go on with what was tried before a restart, so that its time does not begin anew", async () => {
    await using place = durablePlace();
    await using endpoint = await startEndpoint(status(500));
    await using broker = await startScriptedBroker(
      acceptsThen((peer) => {
        if (peer.number === 1) peer.send(message("t", "1", { qos: 1, messageId: 1 }));
        peer.answer("publish", () => {});
      }),
    );
    const patient = { ...quick, giveUpAfterMs: 3_600_000 };
    const before = await place.start(place.environment, { webhookSchedule: patient });
    const { id } = (await before.call("POST", "/webhooks", { url: endpoint.url, topics: ["#"] })).body;
    const request = { url: broker.url, log: { durable: true } };
    assert.equal((await before.call("PUT", "/connections/home", request)).status, 201);
    await endpoint.nth(3);
    await before.stop();
    const came = endpoint.received.length;
    // An hour is over by now, had it not begun with the process.
    const after = await place.start(place.environment, { webhookSchedule: { ...quick, giveUpAfterMs: 1 } });
    await endpoint.nth(came + 1);
    let dead: { attempts: number }[] = [];
    while (dead.length === 0)
      dead = (await after.call("GET", `/webhooks/${id}/deliveries?state=dead`)).body.items;
    // The third may have been under way when the process ended.
    assert.ok((dead[0]?.attempts ?? 0) >= 3, JSON.stringify(dead));
    assert.equal(endpoint.received.length, came + 1);
  });

  it("count what they have missed among the gaps of their tenant", async () => {
    await using place = durablePlace();
    await using endpoint = await startEndpoint();
    await using broker = await startScriptedBroker(
      acceptsThen((peer) => peer.send(message("t", String(peer.number), { qos: 0 }))),
    );
    const before = await place.start();
    await before.call("POST", "/webhooks", { url: endpoint.url, topics: ["#"] });
    assert.equal((await before.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    await endpoint.nth(1);
    await before.stop();
    // The log was in memory alone.
    const after = await place.start();
    await endpoint.nth(3);
    assert.equal(endpoint.received[1]?.body.type, "connack.gap");
    const { text } = await after.call("GET", "/metrics");
    assert.match(text, /^connack_gaps_total\{reason="restarted"\} 1$/m);
  });

  it("need a key for their secrets", async () => {
    await using place = durablePlace();
    const { CONNACK_SECRET_KEY: _, ...environment } = place.environment;
    const app = await place.start(environment);
    const answer = await app.call("POST", "/webhooks", { url: "http://127.0.0.1:9/", topics: ["#"] });
    assertProblem(answer, 422, "secret-key-missing");
    assert.deepEqual((await app.call("GET", "/webhooks")).body.items, []);
  });

  it("are sealed anew when the key has changed", async () => {
    await using place = durablePlace();
    await using endpoint = await startEndpoint();
    const first = await place.start();
    const { id, secret } = (await first.call("POST", "/webhooks", { url: endpoint.url, topics: ["#"] })).body;
    await first.stop();
    const young = Buffer.alloc(32, 9).toString("base64");
    const both = `${young},${place.environment["CONNACK_SECRET_KEY"]}`;
    const second = await place.start({ ...place.environment, CONNACK_SECRET_KEY: both });
    await second.stop();
    const third = await place.start({ ...place.environment, CONNACK_SECRET_KEY: young });
    assert.equal((await third.call("POST", `/webhooks/${id}/test`)).body.state, "delivered");
    verify(secret, await endpoint.nth(1));
  });
});
