import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { messages } from "../support/message-calls.ts";
import { message, resumes } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import { describe } from "../support/test.ts";

const request = {
  clientId: "c",
  cleanStart: false,
  properties: { topicAliasMaximum: 10, sessionExpiryInterval: 3_600 },
  reconnect: { minDelayMs: 10, maxDelayMs: 20 },
};

async function open(rig: Rig, ...scripts: [Script, ...Script[]]) {
  const broker = await rig.broker(inTurn(...scripts));
  const opened = await rig.open({ id: "home", url: broker.url, ...request });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

const aliased = (topic: string, payload: string, topicAlias: number, fields: object = {}) =>
  message(topic, payload, { properties: { topicAlias }, ...fields });

describe("topic aliases of the broker's", () => {
  for (const qos of [0, 1, 2] as const) {
    itHolds(`at QoS ${qos} a message has the name that the alias stands for`, async (rig) => {
      const broker = await open(rig, accepts());
      const peer = await broker.connection(1);
      peer.answer("pubrec", ({ messageId = 0 }) => peer.send({ cmd: "pubrel", messageId }));
      peer.send(aliased("long/name", "1", 1, { qos, messageId: 1 }));
      peer.send(aliased("other", "2", 10, { qos, messageId: 2 }));
      peer.send(aliased("", "3", 1, { qos, messageId: 3 }));
      peer.send(aliased("", "4", 10, { qos, messageId: 4 }));
      // An alias may be given to another name (MQTT 5 §3.3.2.3.4).
      peer.send(aliased("new", "5", 1, { qos, messageId: 5 }));
      peer.send(aliased("", "6", 1, { qos, messageId: 6 }));
      const seen = await messages(rig, 6);
      assert.deepEqual(seen.map(({ topic, payload }) => `${topic} ${payload}`).toSorted(), [
        "long/name 1",
        "long/name 3",
        "new 5",
        "new 6",
        "other 2",
        "other 4",
      ]);
      for (const { properties } of seen) assert.equal(properties.topicAlias, undefined);
    });

    for (const [what, alias, codes] of [
      ["never announced", 7, [0x94, 0x82]],
      ["beyond our maximum", 11, [0x94]],
      ["of 0", 0, [0x94]],
    ] as const) {
      itHolds(`at QoS ${qos} an alias ${what} ends the network connection; nothing is taken`, async (rig) => {
        const broker = await open(rig, accepts());
        const peer = await broker.connection(1);
        peer.answer("disconnect", () => {});
        await using events = await rig.app.events("/connections/home/events");
        const named = what === "never announced" ? "" : "t";
        peer.send(aliased(named, "x", alias, { qos, messageId: 1 }));
        const lost = await events.next("disconnected");
        assert.equal(lost.data.from, "client");
        assert.ok(
          codes.some((code) => code === lost.data.reasonCode),
          `0x${lost.data.reasonCode?.toString(16)}`,
        );
        await peer.closed;
        assert.ok(!peer.received.some(({ cmd }) => cmd === "puback" || cmd === "pubrec"));
        assert.deepEqual((await rig.call("GET", "/connections/home/messages")).body.items, []);
      });
    }
  }

  itHolds("an alias does not outlive its network connection, the session though it may", async (rig) => {
    const broker = await open(
      rig,
      accepts(),
      resumes(() => {}),
      resumes(() => {}),
    );
    const first = await broker.connection(1);
    first.send(aliased("t", "1", 1));
    await messages(rig, 1);
    await using events = await rig.app.events("/connections/home/events");
    first.reset();
    await events.next("connected");
    const second = await broker.connection(2);
    second.send(aliased("", "2", 1));
    await events.next("disconnected");
    await second.closed;
    await events.next("connected");
    assert.equal((await rig.call("GET", "/connections/home/messages")).body.items.length, 1);
  });

  itHolds(
    "a QoS 2 message by alias keeps its name when PUBREL comes on another network connection",
    async (rig) => {
      const releases: Script = async (peer) => {
        peer.send({ cmd: "pubrel", messageId: 2 });
        await peer.next("pubcomp");
      };
      const broker = await open(rig, accepts(), resumes(releases));
      const first = await broker.connection(1);
      first.send(aliased("t", "1", 1));
      first.send(aliased("", "2", 1, { qos: 2, messageId: 2 }));
      await first.next("pubrec");
      first.reset();
      const seen = await messages(rig, 2);
      assert.deepEqual(
        seen.map(({ topic, payload, qos }) => [topic, payload, qos]),
        [
          ["t", "1", 0],
          ["t", "2", 2],
        ],
      );
    },
  );

  itHolds("without topicAliasMaximum in the request every alias is a Protocol Error", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url, reconnect: { enabled: false } });
    await using events = await rig.app.events("/connections/home/events");
    (await broker.connection(1)).send(aliased("t", "x", 1));
    const lost = await events.next("disconnected");
    assert.deepEqual([lost.data.from, lost.data.reasonCode], ["client", 0x94]);
    assert.deepEqual((await rig.call("GET", "/connections/home/messages")).body.items, []);
  });
});
