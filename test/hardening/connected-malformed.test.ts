import assert from "node:assert/strict";
import type { Packet } from "mqtt-packet";
import { accepts, inTurn, sendConnack } from "../support/broker-scripts.ts";
import { publishesBeforeConnack } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const publish = { cmd: "publish", payload: "x", qos: 0, dup: false, retain: false } as const;
const bytes = (...values: number[]) => Buffer.from(values);
const says = (what: Buffer | Packet) => (peer: ScriptedPeer) =>
  what instanceof Uint8Array ? peer.sendBytes(what) : peer.send(what);

/** What the broker does wrong after CONNACK, and the codes that the standard has for it (§4.13, §3.14.2.1). */
const violations: readonly (readonly [string, (peer: ScriptedPeer) => void, readonly number[]])[] = [
  ["a PUBLISH with QoS 3", says(bytes(0x36, 5, 0, 1, 0x61, 0, 1)), [0x81]],
  ["a second CONNACK", (peer) => sendConnack(peer), [0x82]],
  [
    "a topic alias never announced",
    says({ ...publish, topic: "", properties: { topicAlias: 7 } }),
    [0x94, 0x82],
  ],
  ["a PUBLISH with neither topic nor alias", says(bytes(0x30, 4, 0, 0, 0, 0x78)), [0x82, 0x81]],
  ["a PUBLISH to a topic with a wildcard", says({ ...publish, topic: "a/#" }), [0x81, 0x82, 0x90]],
  ["a PUBLISH whose topic is longer than itself", says(bytes(0x30, 4, 0, 9, 0x61, 0)), [0x81]],
  [
    "a PUBLISH with a property that does not exist",
    says(bytes(0x30, 7, 0, 1, 0x61, 2, 0x7f, 0, 0x78)),
    [0x81, 0x82],
  ],
  ["a packet of type 0", says(bytes(0x00, 0)), [0x81]],
  ["a PUBREL with wrong flags", says(bytes(0x60, 2, 0, 1)), [0x81]],
  ["a CONNECT, which only clients send", says(bytes(0x10, 0)), [0x81, 0x82]],
  ["a PINGREQ, which only clients send", says(bytes(0xc0, 0)), [0x81, 0x82]],
  ["a length of five bytes", says(bytes(0x30, 0xff, 0xff, 0xff, 0xff, 0x01)), [0x81]],
  ["a PINGRESP with a body", says(bytes(0xd0, 1, 0)), [0x81]],
  ["a PUBACK without packet identifier", says(bytes(0x40, 0)), [0x81]],
  ["a DISCONNECT with a code that does not exist", says(bytes(0xe0, 1, 0x55)), [0x81, 0x82]],
];

describe("S40: a broker that breaks the protocol", () => {
  for (const [what, misbehave, codes] of violations) {
    itHolds(`S40: ${what}: DISCONNECT with the right code, an error event, and back`, async (rig) => {
      const broker = await rig.broker(accepts({ topicAliasMaximum: 5 }));
      const opened = await rig.open({
        id: "home",
        url: broker.url,
        properties: { topicAliasMaximum: 10 },
        subscriptions: [{ topicFilter: "t", qos: 0 }],
        reconnect: { minDelayMs: 10, maxDelayMs: 20 },
      });
      assert.equal(opened.status, 201, opened.text);
      await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
      await events.next("subscribed");
      const first = await broker.connection(1);
      // A DISCONNECT is the last that it takes.
      first.answer("disconnect", () => {});
      misbehave(first);
      const error = await events.next("error");
      assert.deepEqual([error.data.code, error.data.retryable], ["broker-protocol-error", true]);
      const disconnected = await events.next();
      assert.equal(disconnected.type, "disconnected");
      assert.equal(disconnected.data.from, "client");
      assert.ok(codes.includes(disconnected.data.reasonCode), `reason code ${disconnected.data.reasonCode}`);
      await first.closed;
      const sent = first.received.filter(({ cmd }) => cmd === "disconnect");
      assert.deepEqual(
        sent.map((packet) => "reasonCode" in packet && packet.reasonCode),
        [disconnected.data.reasonCode],
      );
      // Back, and not deaf.
      await events.next("connected");
      await events.next("subscribed");
      (await broker.connection(2)).send({ ...publish, topic: "t" });
      const view = await viewWhen(rig.app, "home", ({ counters }) => counters.messagesIn > 0);
      assert.deepEqual([view.state, view.counters.connects], ["connected", 2]);
      assert.equal(broker.liveCount(), 1);
    });
  }

  itHolds("S40: the reason code that we sent is lastReason until the next CONNACK", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url, reconnect: { enabled: false } });
    const peer = await broker.connection(1);
    sendConnack(peer);
    await viewWhen(rig.app, "home", ({ state }) => state === "failed");
    const { body: view } = await rig.call("GET", "/connections/home");
    const { packet, from, code, name, protocolVersion } = view.lastReason;
    assert.deepEqual(
      { packet, from, code, name, protocolVersion },
      { packet: "disconnect", from: "client", code: 0x82, name: "Protocol Error", protocolVersion: "5" },
    );
    assert.equal(view.lastError.code, "broker-protocol-error");
  });

  itHolds(
    "S40: in 3.1.1, whose DISCONNECT has no code, the network connection is closed without one",
    async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({
        id: "home",
        url: broker.url,
        protocolVersion: "3.1.1",
        reconnect: { enabled: false },
      });
      const peer = await broker.connection(1);
      says(bytes(0x36, 5, 0, 1, 0x61, 0, 1))(peer);
      const view = await viewWhen(rig.app, "home", ({ state }) => state === "failed");
      await peer.closed;
      // It would stop the broker from publishing the will (MQTT 3.1.1 §3.14.4).
      assert.deepEqual(
        peer.received.map(({ cmd }) => cmd),
        ["connect"],
      );
      assert.deepEqual([view.lastReason.packet, view.lastError.code], ["connack", "broker-protocol-error"]);
    },
  );

  itHolds("S40: a PUBLISH before CONNACK is no connection, and gets no DISCONNECT", async (rig) => {
    const broker = await rig.broker(inTurn(publishesBeforeConnack(), accepts()));
    assertProblem(await rig.open({ id: "home", url: broker.url }), 502, "broker-protocol-error");
    const first = await broker.connection(1);
    await first.closed;
    assert.deepEqual(
      first.received.map(({ cmd }) => cmd),
      ["connect"],
    );
    assert.equal((await rig.open({ id: "home", url: broker.url })).status, 201);
  });
});
