import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, sendConnack } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("subscriptions in the request", () => {
  it("each get the code that the broker gave to them, whatever their filters are called", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp();
    await using events = await app.events("/events?types=subscribed,subscription-refused");
    const asked = [
      { topicFilter: "b", qos: 0 },
      { topicFilter: "1", qos: 2 },
      { topicFilter: "resubscribe", qos: 1 },
      { topicFilter: "__proto__", qos: 2 },
      { topicFilter: "0", qos: 0, noLocal: true },
    ];
    await app.open({ url: broker.url, subscriptions: asked });
    for (const _ of asked) await events.next("subscribed");
    const granted = events.seen
      .filter(({ type }) => type === "subscribed")
      .map(({ data }) => [data.topicFilter, data.grantedQos]);
    assert.deepEqual(
      new Map(granted as [string, number][]),
      new Map(asked.map(({ topicFilter, qos }) => [topicFilter, qos])),
    );
  });

  it("do not wait for one another, where each has a packet of its own", async () => {
    const asked = Array.from({ length: 50 }, (_, index) => ({
      topicFilter: `f/${index}`,
      subscriptionIdentifier: index + 1,
    }));
    await using broker = await startScriptedBroker(async (peer) => {
      await peer.next("connect");
      sendConnack(peer);
      const packets = [];
      for (const _ of asked) packets.push(await peer.next("subscribe"));
      for (const { messageId = 0 } of packets) peer.send({ cmd: "suback", messageId, granted: [0] });
    });
    await using app = await startApp();
    await using events = await app.events("/events?types=subscribed,subscription-refused");
    assert.equal((await app.open({ url: broker.url, subscriptions: asked })).status, 201);
    for (const _ of asked) await events.next("subscribed");
  });

  it("name each filter once: 422 with the second", async () => {
    await using app = await startApp();
    const answer = await app.open({
      url: "mqtt://127.0.0.1:1",
      subscriptions: [{ topicFilter: "c", qos: 1 }, { topicFilter: "c" }],
    });
    assert.equal(answer.status, 422);
    assert.equal(answer.body.errors[0].pointer, "/subscriptions/1/topicFilter");
  });
});
