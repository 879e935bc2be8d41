import assert from "node:assert/strict";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publish, publishJson } from "../support/message-calls.ts";
import { type AckPacket, acknowledgesWith, opens, type Word } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

/** What PUBACK and PUBREC may refuse with (MQTT 5 §3.4.2.1, §3.5.2.1), and what the caller is told. */
const refusals = [
  [0x80, "Unspecified error", 502, "broker-rejected"],
  [0x83, "Implementation specific error", 502, "broker-rejected"],
  [0x87, "Not authorized", 403, "broker-not-authorized"],
  [0x90, "Topic Name invalid", 422, "broker-topic-refused"],
  [0x97, "Quota exceeded", 429, "broker-quota-exceeded"],
  [0x99, "Payload format invalid", 502, "broker-rejected"],
] as const;

const reasonString = "because I say so";

async function open(
  rig: Rig,
  words: Partial<Record<AckPacket, Word>>,
  protocolVersion = "5",
): Promise<ScriptedPeer> {
  const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer, words)));
  const opened = await rig.open({ id: "home", url: broker.url, protocolVersion });
  assert.equal(opened.status, 201, opened.text);
  return broker.connection(1);
}

const kindsAt = (peer: ScriptedPeer) =>
  peer.received.map(({ cmd }) => cmd).filter((cmd) => cmd.startsWith("pub"));

/** Nothing is left in flight, and the connection is the first one. */
async function assertSettled(rig: Rig): Promise<void> {
  const { body: view } = await rig.call("GET", "/connections/home");
  assert.deepEqual([view.state, view.counters.connects, view.counters.inflight], ["connected", 1, 0]);
}

describe("S32: PUBACK with a reason code", () => {
  for (const [reasonCode, reasonName, status, code] of refusals) {
    const hex = `0x${reasonCode.toString(16)}`;
    itHolds(
      `S32: PUBACK ${hex} is ${status} ${code}, with the code, its name and the reason`,
      async (rig) => {
        await open(rig, { puback: { reasonCode, reasonString } });
        const answer = await publish(rig, "t", "x", "&qos=1");
        assertProblem(answer, status, code);
        assert.deepEqual(answer.body.mqtt, {
          packet: "puback",
          reasonCode,
          reasonName,
          reasonString,
          protocolVersion: "5",
        });
        assert.equal(answer.headers.has("retry-after"), status === 429);
        assert.notEqual(answer.body.duplicatePossible, true);
        await assertSettled(rig);
      },
    );

    itHolds(`S32: PUBREC ${hex} is ${status} ${code}, and no PUBREL follows`, async (rig) => {
      const peer = await open(rig, { pubrec: { reasonCode, reasonString } });
      const answer = await publish(rig, "t", "x", "&qos=2");
      assertProblem(answer, status, code);
      assert.deepEqual(answer.body.mqtt, {
        packet: "pubrec",
        reasonCode,
        reasonName,
        reasonString,
        protocolVersion: "5",
      });
      // What the first could have left behind would come before the second.
      assert.equal((await publish(rig, "t", "y", "&qos=1")).status, 200);
      assert.deepEqual(kindsAt(peer), ["publish", "publish"]);
      await assertSettled(rig);
    });
  }

  itHolds("S32: 0x10, No matching subscribers, is a success that says so, at QoS 1 and 2", async (rig) => {
    const word = { reasonCode: 0x10, reasonString: "nobody" };
    const peer = await open(rig, { puback: word, pubrec: word });
    for (const qos of [1, 2]) {
      const answer = await publish(rig, "t", "x", `&qos=${qos}`);
      assert.equal(answer.status, 200, answer.text);
      const { reasonCode, reasonName, packetId, ms } = answer.body;
      assert.deepEqual([reasonCode, reasonName], [16, "No matching subscribers"]);
      assert.ok(Number.isInteger(packetId) && packetId > 0, answer.text);
      assert.ok(typeof ms === "number" && ms >= 0, answer.text);
    }
    assert.deepEqual(kindsAt(peer), ["publish", "publish", "pubrel"]);
    await assertSettled(rig);
  });

  itHolds("S32: PUBCOMP 0x92, Packet Identifier not found, is an error", async (rig) => {
    const peer = await open(rig, { pubcomp: { reasonCode: 0x92, reasonString } });
    const answer = await publish(rig, "t", "x", "&qos=2");
    assertProblem(answer, 502, "broker-rejected");
    assert.deepEqual(answer.body.mqtt, {
      packet: "pubcomp",
      reasonCode: 0x92,
      reasonName: "Packet Identifier not found",
      reasonString,
      protocolVersion: "5",
    });
    assert.deepEqual(kindsAt(peer), ["publish", "pubrel"]);
    await assertSettled(rig);
  });

  itHolds("S32: version 3.1.1 has no codes: each acknowledgement is a success", async (rig) => {
    const refusal = { reasonCode: 0x87, reasonString };
    await open(rig, { puback: refusal, pubrec: refusal, pubcomp: refusal }, "3.1.1");
    for (const qos of [1, 2]) {
      const answer = await publish(rig, "t", "x", `&qos=${qos}`);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.reasonCode, 0);
    }
    await assertSettled(rig);
  });

  itHolds("S32: a refusal of one message in an array is that message's alone", async (rig) => {
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("publish", ({ topic, messageId = 0 }) => {
          peer.send({ cmd: "puback", messageId, reasonCode: topic === "secret" ? 0x87 : 0 });
        });
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const topics = ["a", "secret", "b"];
    const answer = await publishJson(
      rig,
      JSON.stringify(topics.map((topic) => ({ topic, payload: "x", qos: 1 }))),
    );
    assert.equal(answer.status, 207, answer.text);
    assert.deepEqual(
      answer.body.results.map(({ status }: { status: number }) => status),
      [200, 403, 200],
    );
    assert.ok(JSON.stringify(answer.body.results[1]).includes("broker-not-authorized"), answer.text);
  });

  itHolds(
    "S32: an acknowledgement of a packet that was never sent is not taken for another's",
    async (rig) => {
      const broker = await rig.broker(
        opens({}, async (peer) => {
          const { messageId = 0 } = await peer.next("publish");
          peer.send({ cmd: "puback", messageId: messageId === 7 ? 8 : 7, reasonCode: 0 });
        }),
      );
      await rig.open({ id: "home", url: broker.url, reconnect: { enabled: false } });
      const answer = await publish(rig, "t", "x", "&qos=1&wait=1");
      // Whether that ends the network connection is not said; a success it is not.
      assert.ok(answer.status === 502 || answer.status === 504, answer.text);
      assert.equal(answer.body.duplicatePossible, true);
    },
  );

  itHolds("S32: PUBACK for a QoS 2 message is not a success", async (rig) => {
    const broker = await rig.broker(
      opens({}, async (peer) => {
        const { messageId = 0 } = await peer.next("publish");
        peer.send({ cmd: "puback", messageId, reasonCode: 0 });
      }),
    );
    await rig.open({ id: "home", url: broker.url, reconnect: { enabled: false } });
    const answer = await publish(rig, "t", "x", "&qos=2&wait=1");
    assert.ok(answer.status === 502 || answer.status === 504, answer.text);
    assert.equal(answer.body.duplicatePossible, true);
  });
});
