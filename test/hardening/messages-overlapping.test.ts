import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { messages } from "../support/message-calls.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

async function open(rig: Rig, request: object) {
  const broker = await rig.broker(accepts());
  const opened = await rig.open({ id: "home", url: broker.url, ...request });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

describe("overlapping subscriptions", () => {
  const two = [
    { topicFilter: "a/#", qos: 1, subscriptionIdentifier: 1 },
    { topicFilter: "a/+", qos: 1, subscriptionIdentifier: 268_435_455 },
  ];

  itHolds("two copies of the broker's are two messages, each with its identifier", async (rig) => {
    const broker = await open(rig, { subscriptions: two });
    const peer = await broker.connection(1);
    for (const { subscriptionIdentifier } of two)
      peer.send(message("a/b", "x", { properties: { subscriptionIdentifier } }));
    const seen = await messages(rig, 2);
    assert.deepEqual(
      seen.map(({ properties }) => properties.subscriptionIdentifiers),
      [[1], [268_435_455]],
    );
  });

  itHolds("one copy with two identifiers is one message with both", async (rig) => {
    const broker = await open(rig, { subscriptions: two });
    const peer = await broker.connection(1);
    // PUBLISH "a/b", properties: 1, then 268,435,455.
    const properties = [0x0b, 0x01, 0x0b, 0xff, 0xff, 0xff, 0x7f];
    const body = [0x00, 0x03, 0x61, 0x2f, 0x62, properties.length, ...properties, 0x78];
    peer.sendBytes(Buffer.from([0x30, body.length, ...body]));
    assert.deepEqual((await messages(rig, 1))[0].properties.subscriptionIdentifiers, [1, 268_435_455]);
    peer.send(message("a/b", "last"));
    assert.deepEqual(
      (await messages(rig, 2)).map(({ payload }) => payload),
      ["x", "last"],
    );
  });

  itHolds("a property that may come once and comes twice is a Protocol Error", async (rig) => {
    const broker = await open(rig, {});
    const peer = await broker.connection(1);
    await using events = await rig.app.events("/connections/home/events");
    const properties = [0x02, 0, 0, 0, 1, 0x02, 0, 0, 0, 1];
    const body = [0x00, 0x01, 0x61, properties.length, ...properties, 0x78];
    peer.sendBytes(Buffer.from([0x30, body.length, ...body]));
    const lost = await events.next("disconnected");
    assert.deepEqual([lost.data.from, lost.data.reasonCode], ["client", 0x82]);
    assert.deepEqual((await rig.call("GET", "/connections/home/messages")).body.items, []);
  });
});
