import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { acknowledge, line, opens, publishesAt, resumes } from "../support/publish-scripts.ts";
import type { Script, ScriptedBroker } from "../support/scripted-broker.ts";
import { describe } from "../support/test.ts";

const soon = { minDelayMs: 10, maxDelayMs: 20 };
/** A request whose session outlives its network connection. */
const versions = [
  ["5", { protocolVersion: "5", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } }],
  ["3.1.1", { protocolVersion: "3.1.1", cleanStart: false }],
] as const;

async function open(rig: Rig, session: object, ...scripts: [Script, ...Script[]]): Promise<ScriptedBroker> {
  const broker = await rig.broker(inTurn(...scripts));
  const opened = await rig.open({
    id: "home",
    url: broker.url,
    clientId: "c34",
    reconnect: soon,
    ...session,
  });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

/** The first network connection does as `dies` says, and the second finds the session. */
function openDying(rig: Rig, session: object, dies: Script): Promise<ScriptedBroker> {
  return open(
    rig,
    session,
    opens({}, dies),
    resumes(() => {}),
  );
}

/** Takes a QoS 2 message as far as PUBREL, and is gone before PUBCOMP comes. */
const diesAfterPubrel: Script = async (peer) => {
  acknowledge(peer, "pubrec", (await peer.next("publish")).messageId ?? 0);
  await peer.next("pubrel");
  peer.reset();
};

async function assertPublished(rig: Rig, answer: Promise<Answer>, packetId: number): Promise<void> {
  const { status, text, body } = await answer;
  assert.equal(status, 200, text);
  assert.deepEqual([body.reasonCode, body.packetId], [0, packetId]);
  const { body: view } = await rig.call("GET", "/connections/home");
  assert.deepEqual([view.state, view.counters.connects, view.counters.inflight], ["connected", 2, 0]);
}

for (const [version, session] of versions) {
  describe(`S34: a broker that dies in an exchange and keeps the session (${version})`, () => {
    itHolds("S34: after PUBLISH at QoS 1: the same packet again, with DUP, and a success", async (rig) => {
      const broker = await open(
        rig,
        session,
        opens({}),
        resumes(() => {}),
      );
      const answer = publish(rig, "t", "once", "&qos=1&retain=true");
      const first = await broker.connection(1);
      const { messageId = 0, dup } = await first.next("publish");
      assert.equal(dup, false);
      first.reset();
      const second = await broker.connection(2);
      const again = await second.next("publish");
      assert.equal(line(again), `once #${messageId} dup`);
      assert.deepEqual([again.topic, again.qos, again.retain], ["t", 1, true]);
      acknowledge(second, "puback", messageId);
      await assertPublished(rig, answer, messageId);
    });

    itHolds(
      "S34: after PUBLISH at QoS 2: the same packet again, with DUP, and all of the exchange",
      async (rig) => {
        const broker = await open(
          rig,
          session,
          opens({}),
          resumes(() => {}),
        );
        const answer = publish(rig, "t", "once", "&qos=2");
        const first = await broker.connection(1);
        const { messageId = 0 } = await first.next("publish");
        first.reset();
        const second = await broker.connection(2);
        assert.equal(line(await second.next("publish")), `once #${messageId} dup`);
        acknowledge(second, "pubrec", messageId);
        assert.equal((await second.next("pubrel")).messageId, messageId);
        acknowledge(second, "pubcomp", messageId);
        await assertPublished(rig, answer, messageId);
      },
    );

    itHolds("S34: after PUBREC: PUBREL with the same id, and no PUBLISH again", async (rig) => {
      const dies: Script = async (peer) => {
        acknowledge(peer, "pubrec", (await peer.next("publish")).messageId ?? 0);
        // What it has sent arrives before its end does.
        peer.end();
      };
      const broker = await openDying(rig, session, dies);
      const answer = publish(rig, "t", "once", "&qos=2");
      const second = await broker.connection(2);
      const { messageId = 0 } = await second.next("pubrel");
      acknowledge(second, "pubcomp", messageId);
      await assertPublished(rig, answer, messageId);
      assert.deepEqual(publishesAt(second), []);
      assert.equal(publishesAt(broker.peers[0]!)[0]?.messageId, messageId);
    });

    itHolds("S34: after PUBREL: PUBREL again, and no PUBLISH again", async (rig) => {
      const broker = await openDying(rig, session, diesAfterPubrel);
      const answer = publish(rig, "t", "once", "&qos=2");
      const second = await broker.connection(2);
      const { messageId = 0 } = await second.next("pubrel");
      acknowledge(second, "pubcomp", messageId);
      await assertPublished(rig, answer, messageId);
      assert.deepEqual(publishesAt(second), []);
    });

    if (version === "5") {
      itHolds(
        "S34: after PUBCOMP, which is lost: that the id is not found any more is no error then",
        async (rig) => {
          // MQTT 5 §3.7.2.1: 0x92 is not an error during recovery; it means that the broker has finished.
          const broker = await openDying(rig, session, diesAfterPubrel);
          const answer = publish(rig, "t", "once", "&qos=2");
          const second = await broker.connection(2);
          const { messageId = 0 } = await second.next("pubrel");
          acknowledge(second, "pubcomp", messageId, { reasonCode: 0x92 });
          const { status, text } = await answer;
          assert.equal(status, 200, text);
        },
      );
    }

    itHolds("S34: twice in a row: the same packet a third time", async (rig) => {
      const dies: Script = async (peer) => {
        await peer.next("publish");
        peer.reset();
      };
      const broker = await open(
        rig,
        session,
        opens({}, dies),
        resumes(dies),
        resumes(() => {}),
      );
      const answer = publish(rig, "t", "once", "&qos=1");
      const third = await broker.connection(3);
      const again = await third.next("publish");
      assert.equal(again.dup, true);
      assert.equal(again.messageId, publishesAt(broker.peers[0]!)[0]?.messageId);
      acknowledge(third, "puback", again.messageId ?? 0);
      assert.equal((await answer).status, 200, (await answer).text);
    });

    itHolds("S34: several in flight come again in their order, without those that were done", async (rig) => {
      const broker = await open(
        rig,
        session,
        opens({}),
        resumes(() => {}),
      );
      const first = await broker.connection(1);
      const answers: Promise<Answer>[] = [];
      const ids: number[] = [];
      for (const [index, qos] of [1, 2, 1, 2, 1, 2].entries()) {
        answers.push(publish(rig, "t", `m${index}`, `&qos=${qos}`));
        ids.push((await first.next("publish")).messageId ?? 0);
      }
      // m2 is done; m3 is received, and its PUBREL under way.
      acknowledge(first, "puback", ids[2]!);
      assert.equal((await answers[2])?.status, 200);
      acknowledge(first, "pubrec", ids[3]!);
      await first.next("pubrel");
      first.reset();

      const second = await broker.connection(2);
      const expected = [`m0 #${ids[0]} dup`, `m1 #${ids[1]} dup`, `m4 #${ids[4]} dup`, `m5 #${ids[5]} dup`];
      for (const wanted of expected) assert.equal(line(await second.next("publish")), wanted);
      assert.equal((await second.next("pubrel")).messageId, ids[3]);
      const sent = second.received.filter(({ cmd }) => cmd === "publish" || cmd === "pubrel");
      assert.equal(sent.length, 5);
      for (const index of [0, 4]) acknowledge(second, "puback", ids[index]!);
      for (const index of [1, 5]) {
        acknowledge(second, "pubrec", ids[index]!);
        assert.equal((await second.next("pubrel")).messageId, ids[index]);
      }
      for (const index of [1, 3, 5]) acknowledge(second, "pubcomp", ids[index]!);
      for (const answer of answers) assert.equal((await answer).status, 200, (await answer).text);
    });

    itHolds("S34: a new message does not take the packet id of one in flight", async (rig) => {
      const broker = await open(
        rig,
        session,
        opens({}),
        resumes(() => {}),
      );
      const first = await broker.connection(1);
      const old = publish(rig, "t", "old", "&qos=1");
      const { messageId = 0 } = await first.next("publish");
      first.reset();
      const second = await broker.connection(2);
      await second.next("publish");
      const fresh: Promise<Answer>[] = [];
      for (let n = 0; n < 20; n += 1) fresh.push(publish(rig, "t", `new${n}`, "&qos=1"));
      for (const _ of fresh) {
        const next = await second.next("publish");
        assert.notEqual(next.messageId, messageId);
        assert.equal(next.dup, false);
        acknowledge(second, "puback", next.messageId ?? 0);
      }
      for (const answer of fresh) assert.equal((await answer).status, 200);
      acknowledge(second, "puback", messageId);
      await assertPublished(rig, old, messageId);
    });

    itHolds("S34: what its caller has given up is in flight all the same", async (rig) => {
      const broker = await open(
        rig,
        session,
        opens({}),
        resumes(() => {}),
      );
      const answer = await publish(rig, "t", "once", "&qos=1&wait=0.2");
      assertProblem(answer, 504, "acknowledgement-timeout");
      const first = await broker.connection(1);
      const { messageId = 0 } = await first.next("publish");
      first.reset();
      const second = await broker.connection(2);
      assert.equal(line(await second.next("publish")), `once #${messageId} dup`);
      acknowledge(second, "puback", messageId);
    });

    itHolds("S34: a caller whose wait ends while the broker is away is told at its deadline", async (rig) => {
      const away = { ...session, reconnect: { minDelayMs: 60_000 } };
      const broker = await open(rig, away, opens({}));
      const answer = publish(rig, "t", "once", "&qos=1&wait=1");
      const first = await broker.connection(1);
      await first.next("publish");
      first.reset();
      assertProblem(await answer, 504, "acknowledgement-timeout");
      assert.equal((await answer).body.duplicatePossible, true);
    });

    itHolds("S34: a reconnect that a caller asks for: what was in flight comes again", async (rig) => {
      const broker = await open(
        rig,
        session,
        opens({}),
        resumes(() => {}),
      );
      const answer = publish(rig, "t", "once", "&qos=1");
      const first = await broker.connection(1);
      const { messageId = 0 } = await first.next("publish");
      assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
      const second = await broker.connection(2);
      assert.equal(line(await second.next("publish")), `once #${messageId} dup`);
      acknowledge(second, "puback", messageId);
      await assertPublished(rig, answer, messageId);
    });
  });
}
