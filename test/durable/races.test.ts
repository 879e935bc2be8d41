import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durableStore, puts } from "../support/durable-store.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("calls on one id at once", () => {
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
    const { letGo } = store.holdThose(puts("connections"));
    const first = app.call("POST", "/connections/home/subscriptions", { topicFilter: "a" });
    await using events = await app.events("/connections/home/events?lastEventId=earliest");
    await events.next("subscribed");
    const second = app.call("POST", "/connections/home/subscriptions", { topicFilter: "b" });
    await events.next("subscribed");
    const stopped = app.stop();
    await events.next("closed");
    letGo();
    const answers = [await first, await second];
    await stopped;
    const record = JSON.parse((await store.get("connections", "home")) ?? "null");
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201],
    );
    assert.equal(record.subscriptions.length, 2);
  });
});
