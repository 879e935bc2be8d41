import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durableStore, puts, removes, tells } from "../support/durable-store.ts";
import { freePort } from "../support/free-port.ts";
import type { Change } from "../../src/store/store.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const away = async () => `mqtt://127.0.0.1:${await freePort()}`;

describe("calls on one id at once", () => {
  it("what DELETE still has to remove does not remove the next connection with the id", async () => {
    const store = durableStore();
    await using app = await startApp({}, { store });
    const request = { url: await away(), reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } };
    assert.equal((await app.call("PUT", "/connections/home?wait=0", request)).status, 202);
    const { letGo } = store.holdThose(tells);
    assert.equal((await app.call("DELETE", "/connections/home")).status, 200);
    assert.equal((await app.call("PUT", "/connections/home?wait=0", request)).status, 202);
    assert.equal((await app.call("POST", "/connections/home/publish?queue=60&topic=a", "x")).status, 202);
    letGo();
    await using events = await app.events("/connections/home/events?lastEventId=earliest");
    await events.next("waiting");
    assert.deepEqual(await store.keys("connections"), ["home"]);
    assert.equal((await store.keys("outbox/home")).length, 1);
  });

  it("nor does it when the process stops meanwhile", async () => {
    const store = durableStore();
    await using app = await startApp({}, { store });
    const request = { url: await away(), reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } };
    assert.equal((await app.call("PUT", "/connections/home?wait=0", request)).status, 202);
    const { letGo } = store.holdThose(tells);
    assert.equal((await app.call("DELETE", "/connections/home")).status, 200);
    assert.equal((await app.call("PUT", "/connections/home?wait=0", request)).status, 202);
    const stopped = app.stop();
    assert.equal((await app.call("GET", "/readyz")).status, 503);
    letGo();
    await stopped;
    assert.deepEqual(await store.keys("connections"), ["home"]);
  });

  it("PUT and DELETE at once leave a connection that works, or none", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    await using app = await startApp({}, { store });
    const log = { durable: true };
    assert.equal((await app.call("PUT", "/connections/home?wait=0", { url: await away(), log })).status, 202);
    const { reached, letGo } = store.holdThose(removes("connections"));
    const gone = app.call("DELETE", "/connections/home");
    await reached;
    const put = app.call("PUT", "/connections/home", { url: broker.url, log });
    await app.call("GET", "/connections/home");
    letGo();
    assert.equal((await gone).status, 200);
    const answer = await put;
    assert.ok([200, 201].includes(answer.status), answer.text);
    await using stream = await app.events("/connections/home/messages?format=sse");
    const peer = await broker.connection(1);
    peer.send({ cmd: "publish", topic: "t", payload: Buffer.from("x"), qos: 0, dup: false, retain: false });
    await stream.next("message");
    assert.deepEqual(await store.keys("connections"), ["home"]);
  });

  it("DELETE deletes what a PUT before it has put under the id", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    await using app = await startApp({}, { store });
    assert.equal((await app.call("PUT", "/connections/home?wait=0", { url: await away() })).status, 202);
    const { reached, letGo } = store.holdThose(puts("connections"));
    const put = app.call("PUT", "/connections/home?wait=0", { url: broker.url });
    await reached;
    const gone = app.call("DELETE", "/connections/home");
    await app.call("GET", "/connections/home");
    letGo();
    await put;
    assert.equal((await gone).status, 200);
    assert.equal((await app.call("GET", "/connections/home")).status, 404);
    assert.deepEqual(await store.keys("connections"), []);
  });

  it("what is saved while a DELETE is under way is kept when that fails", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    await using app = await startApp({}, { store });
    assert.equal((await app.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    await app.call("GET", "/connections/home");
    const { reached, letGo } = store.holdThose(removes("connections"));
    const gone = app.call("DELETE", "/connections/home");
    await reached;
    const subscribed = await app.call("POST", "/connections/home/subscriptions", { topicFilter: "a" });
    assert.equal(subscribed.status, 201);
    store.refusal = "unavailable";
    letGo();
    assert.equal((await gone).status, 503);
    store.refusal = null;
    // It is tried again each second.
    for (let kept = 0; kept === 0; await app.call("GET", "/connections/home"))
      kept = JSON.parse((await store.get("connections", "home")) ?? "null").subscriptions.length;
  });

  it("nothing is accepted while PUT gives up what keeps it", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    await using app = await startApp({}, { store });
    const request = { url: broker.url };
    assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
    const { reached, letGo } = store.holdThose(removes("connections"));
    const put = app.call("PUT", "/connections/home", { ...request, durable: false });
    await reached;
    const accepted = await app.call("POST", "/connections/home/publish?queue=60&topic=a&qos=1", "x");
    letGo();
    assert.equal((await put).status, 200);
    assert.notEqual(accepted.status, 202, accepted.text);
  });

  it("nothing is accepted for a connection that nobody was promised", async () => {
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
    });
    await using app = await startApp({}, { store: durableStore() });
    const opened = app.call("PUT", "/connections/home", { url: broker.url, connectTimeoutMs: 500 });
    await broker.connection(1);
    const accepted = await app.call("POST", "/connections/home/publish?queue=60&topic=a&qos=1", "x");
    assertProblem(accepted, 503, "temporarily-not-connected");
    assert.equal((await opened).status, 504);
    assert.equal((await app.call("GET", "/connections/home")).status, 404);
  });

  it("a PUT that is not kept changes nothing of what there was", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    await using app = await startApp({}, { store });
    const request = { url: broker.url, log: { durable: true } };
    assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
    store.refusal = "full";
    const put = await app.call("PUT", "/connections/home", {
      ...request,
      log: { durable: true, messages: 1 },
    });
    assert.equal(put.status, 507);
    store.refusal = null;
    const peer = await broker.connection(1);
    await using stream = await app.events("/connections/home/messages?format=sse");
    for (const payload of ["1", "2", "3"]) {
      peer.send({
        cmd: "publish",
        topic: "t",
        payload: Buffer.from(payload),
        qos: 0,
        dup: false,
        retain: false,
      });
      await stream.next("message");
    }
    const { body } = await app.call("GET", "/connections/home/messages");
    assert.equal(body.items.length, 3);
  });

  it("what was answered is kept, also when the process stops meanwhile", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    const app = await startApp({}, { store });
    assert.equal((await app.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    // What is granted; that it is in doubt is kept before SUBSCRIBE goes out.
    const granted = (changes: readonly Change[]) =>
      changes.some((change) => change.type === "put" && change.value.includes('"reasonCode":'));
    const { letGo } = store.holdThose(granted);
    const call = app.call("POST", "/connections/home/subscriptions", { topicFilter: "a" });
    await using events = await app.events("/connections/home/events?lastEventId=earliest");
    await events.next("subscribed");
    const stopped = app.stop();
    await events.next("closed");
    letGo();
    assert.equal((await call).status, 201);
    await stopped;
    const record = JSON.parse((await store.get("connections", "home")) ?? "null");
    assert.equal(record.subscriptions.wanted[0].result.reasonCode, 0);
  });
});
