import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { messages, readMessages } from "../support/message-calls.ts";
import { message, opens, resumes } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const sessions = [
  ["5", { protocolVersion: "5", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } }],
  ["3.1.1", { protocolVersion: "3.1.1", cleanStart: false }],
] as const;

async function open(rig: Rig, request: object, ...scripts: [Script, ...Script[]]) {
  const broker = await rig.broker(inTurn(...scripts));
  const reconnect = { minDelayMs: 10, maxDelayMs: 20 };
  const opened = await rig.open({ id: "home", url: broker.url, clientId: "c", reconnect, ...request });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

/** What a barrier shows: a message behind all others, and all that has come before it. */
async function payloadsUntilLast(rig: Rig, peer: ScriptedPeer): Promise<string[]> {
  peer.send(message("t", "last"));
  for (;;) {
    const { body } = await rig.call("GET", "/connections/home/messages?limit=1000");
    const payloads: string[] = body.items.map(({ payload }: { payload: string }) => payload);
    if (payloads.at(-1) === "last") return payloads.slice(0, -1);
    await rig.call("POST", "/connections/home/ping");
  }
}

/** A script, and when it has come to its end. */
function played(script: Script): [script: Script, done: Promise<void>] {
  const { promise, resolve } = Promise.withResolvers<void>();
  return [
    async (peer) => {
      await script(peer);
      resolve();
    },
    promise,
  ];
}

const exactlyOnce = (payload: string, messageId: number, dup = false) =>
  message("t", payload, { qos: 2, messageId, dup });

describe("messages that arrive at QoS 1 and 2", () => {
  for (const [version, session] of sessions) {
    itHolds(
      `at QoS 1 each is acknowledged, and one that comes again is there again (${version})`,
      async (rig) => {
        const broker = await open(rig, session, accepts());
        const peer = await broker.connection(1);
        peer.send(message("t", "a", { qos: 1, messageId: 5 }));
        assert.equal((await peer.next("puback")).messageId, 5);
        peer.send(message("t", "a", { qos: 1, messageId: 5, dup: true }));
        assert.equal((await peer.next("puback")).messageId, 5);
        const seen = await messages(rig, 2);
        assert.deepEqual(
          seen.map(({ payload, qos, dup }) => [payload, qos, dup]),
          [
            ["a", 1, false],
            ["a", 1, true],
          ],
        );
      },
    );

    itHolds(`at QoS 2 one that comes again with DUP is there once (${version})`, async (rig) => {
      const broker = await open(rig, session, accepts());
      const peer = await broker.connection(1);
      peer.send(exactlyOnce("a", 7));
      assert.equal((await peer.next("pubrec")).messageId, 7);
      peer.send(exactlyOnce("a", 7, true));
      assert.equal((await peer.next("pubrec")).messageId, 7);
      peer.send({ cmd: "pubrel", messageId: 7 });
      assert.equal((await peer.next("pubcomp")).messageId, 7);
      // The identifier is free again: this is another message.
      peer.send(exactlyOnce("b", 7));
      await peer.next("pubrec");
      peer.send({ cmd: "pubrel", messageId: 7 });
      await peer.next("pubcomp");
      assert.deepEqual(await payloadsUntilLast(rig, peer), ["a", "b"]);
    });

    itHolds(
      `at QoS 2 once, when the broker dies before PUBREL and sends PUBLISH again (${version})`,
      async (rig) => {
        const [again, done] = played(async (peer) => {
          peer.send(exactlyOnce("a", 7, true));
          await peer.next("pubrec");
          peer.send({ cmd: "pubrel", messageId: 7 });
          await peer.next("pubcomp");
        });
        const broker = await open(rig, session, accepts(), resumes(again));
        const first = await broker.connection(1);
        first.send(exactlyOnce("a", 7));
        await first.next("pubrec");
        first.reset();
        await done;
        assert.deepEqual(await payloadsUntilLast(rig, await broker.connection(2)), ["a"]);
      },
    );

    itHolds(`at QoS 2 once, when PUBREL comes on the next network connection (${version})`, async (rig) => {
      const [releases, done] = played(async (peer) => {
        peer.send({ cmd: "pubrel", messageId: 7 });
        await peer.next("pubcomp");
      });
      const broker = await open(rig, session, accepts(), resumes(releases));
      const first = await broker.connection(1);
      first.send(exactlyOnce("a", 7));
      await first.next("pubrec");
      first.reset();
      await done;
      assert.deepEqual(await payloadsUntilLast(rig, await broker.connection(2)), ["a"]);
    });

    itHolds(
      `at QoS 2 once, when the broker dies before PUBCOMP and sends PUBREL again (${version})`,
      async (rig) => {
        const [again, done] = played(async (peer) => {
          peer.send({ cmd: "pubrel", messageId: 7 });
          assert.equal((await peer.next("pubcomp")).messageId, 7);
        });
        const broker = await open(rig, session, accepts(), resumes(again));
        const first = await broker.connection(1);
        first.send(exactlyOnce("a", 7));
        await first.next("pubrec");
        first.send({ cmd: "pubrel", messageId: 7 });
        await first.next("pubcomp");
        first.reset();
        await done;
        assert.deepEqual(await payloadsUntilLast(rig, await broker.connection(2)), ["a"]);
      },
    );

    itHolds(
      `at QoS 2 twice, when the session was lost: it is another message by then (${version})`,
      async (rig) => {
        const [another, done] = played(async (peer) => {
          peer.send(exactlyOnce("b", 7));
          await peer.next("pubrec");
          peer.send({ cmd: "pubrel", messageId: 7 });
          await peer.next("pubcomp");
        });
        const broker = await open(rig, session, accepts(), opens({}, another));
        const first = await broker.connection(1);
        first.send(exactlyOnce("a", 7));
        await first.next("pubrec");
        first.reset();
        await done;
        const payloads = await payloadsUntilLast(rig, await broker.connection(2));
        // The first was not released: whether it counts is ours to say, the second must be there.
        assert.deepEqual(
          payloads.filter((payload) => payload === "b"),
          ["b"],
        );
        assert.ok(payloads.length <= 2, payloads.join());
      },
    );
  }

  itHolds("a PUBREL that nobody waits for is answered, and adds nothing", async (rig) => {
    const broker = await open(rig, {}, accepts());
    const peer = await broker.connection(1);
    peer.send({ cmd: "pubrel", messageId: 9 });
    const { messageId, reasonCode } = await peer.next("pubcomp");
    assert.equal(messageId, 9);
    // 0x92, Packet Identifier not found, is for this (MQTT 5 §3.7.2.1); it is nobody's duty.
    assert.ok([undefined, 0, 0x92].includes(reasonCode), `0x${reasonCode?.toString(16)}`);
    assert.deepEqual(await payloadsUntilLast(rig, peer), []);
  });

  itHolds("messages of three qualities keep the order in which they arrived", async (rig) => {
    const broker = await open(rig, {}, accepts());
    const peer = await broker.connection(1);
    peer.answer("puback", () => {});
    peer.answer("pubrec", ({ messageId = 0 }) => peer.send({ cmd: "pubrel", messageId }));
    peer.answer("pubcomp", () => {});
    await using sse = await readMessages(rig.app, "sse");
    const count = 300;
    for (let n = 0; n < count; n += 1)
      peer.send(message("t", `${n}`, { qos: n % 2 === 0 ? 0 : 1, messageId: n + 1 }));
    const seen = (await sse.until(count)).map(({ payload }) => Number(payload));
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, n) => n),
    );
  });
});
