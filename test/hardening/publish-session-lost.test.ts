import assert from "node:assert/strict";
import { inTurn, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { acknowledge, acknowledgesWith, opens, publishesAt, resumes } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import { describe } from "../support/test.ts";

const soon = { minDelayMs: 10, maxDelayMs: 20 };

/** Sessions that end with their network connection (MQTT 5 §3.1.2.11.2, MQTT 3.1.1 §3.1.2.4). */
const ending = [
  ["5, cleanStart", { protocolVersion: "5", cleanStart: true, properties: { sessionExpiryInterval: 3_600 } }],
  ["5, no sessionExpiryInterval", { protocolVersion: "5", cleanStart: false }],
  ["3.1.1, cleanStart", { protocolVersion: "3.1.1", cleanStart: true }],
] as const;

/** Sessions that we keep, but a broker that does not. */
const forgotten = [
  ["5", { protocolVersion: "5", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } }],
  ["3.1.1", { protocolVersion: "3.1.1", cleanStart: false }],
] as const;

/** Where a broker dies in an exchange at QoS 2; at QoS 1 there is only the first. */
const dies: Script = async (peer) => {
  await peer.next("publish");
  peer.reset();
};
const diesAfterPubrel: Script = async (peer) => {
  acknowledge(peer, "pubrec", (await peer.next("publish")).messageId ?? 0);
  await peer.next("pubrel");
  peer.reset();
};
const moments = [
  ["after PUBLISH at QoS 1", 1, dies],
  ["after PUBLISH at QoS 2", 2, dies],
  ["after PUBREL", 2, diesAfterPubrel],
] as const;

describe("S34: a session that cannot come back", () => {
  for (const [what, session] of ending) {
    for (const [moment, qos, script] of moments) {
      itHolds(`S34: ${moment} (${what}): told at once that a duplicate is possible`, async (rig) => {
        const broker = await rig.broker(
          inTurn(
            opens({}, script),
            opens({}, (peer) => acknowledgesWith(peer)),
          ),
        );
        // The next attempt is far away, and has no part in the answer.
        await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 60_000 }, ...session });
        const [answer, ms] = await timed(publish(rig, "t", "old", `&qos=${qos}`));
        assertProblem(answer, 502, "connection-lost");
        assert.equal(answer.body.duplicatePossible, true);
        assert.ok(ms < 3_000, `${ms} ms`);
        assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
        assert.equal((await publish(rig, "t", "new", "&qos=2")).status, 200);
        const second = await broker.connection(2);
        assert.deepEqual(
          second.received.map(({ cmd }) => cmd),
          ["connect", "publish", "pubrel"],
        );
        assert.deepEqual(
          publishesAt(second).map(({ payload, dup }) => [String(payload), dup]),
          [["new", false]],
        );
        assert.equal((await rig.call("GET", "/connections/home")).body.counters.inflight, 0);
      });
    }
  }
});

describe("S34: a session that the broker did not keep", () => {
  for (const [version, session] of forgotten) {
    for (const [moment, qos, script] of moments) {
      itHolds(
        `S34: ${moment} (${version}): told with its CONNACK, and nothing is sent again`,
        async (rig) => {
          const broker = await rig.broker(
            inTurn(
              opens({}, script),
              opens({}, (peer) => acknowledgesWith(peer)),
            ),
          );
          await rig.open({ id: "home", url: broker.url, clientId: "c34", reconnect: soon, ...session });
          const answer = await publish(rig, "t", "old", `&qos=${qos}`);
          assertProblem(answer, 502, "connection-lost");
          assert.equal(answer.body.duplicatePossible, true);
          await broker.connection(2);
          let fresh = await publish(rig, "t", "new", "&qos=2");
          while (fresh.status === 503) fresh = await publish(rig, "t", "new", "&qos=2");
          assert.equal(fresh.status, 200, fresh.text);
          assert.deepEqual(
            broker.peers[1]?.received.map(({ cmd }) => cmd),
            ["connect", "publish", "pubrel"],
          );
          assert.equal(publishesAt(broker.peers[1]!)[0]?.dup, false);
          assert.equal((await rig.call("GET", "/connections/home")).body.counters.inflight, 0);
        },
      );
    }
  }

  itHolds("S34: a reconnect that is refused for good tells those in flight", async (rig) => {
    const broker = await rig.broker(inTurn(opens({}, dies), refuses(0x86)));
    await rig.open({ id: "home", url: broker.url, clientId: "c34", reconnect: soon, ...forgotten[0][1] });
    const [answer, ms] = await timed(publish(rig, "t", "old", "&qos=1"));
    assert.ok(answer.status === 502 || answer.status === 409, answer.text);
    assert.equal(answer.body.duplicatePossible, true, answer.text);
    assert.ok(ms < 5_000, `${ms} ms`);
  });

  itHolds(
    "S34: where a broker says that it kept a session that has ended, nothing is sent again",
    async (rig) => {
      const broker = await rig.broker(
        inTurn(
          opens({}, dies),
          resumes((peer) => acknowledgesWith(peer)),
        ),
      );
      await rig.open({ id: "home", url: broker.url, reconnect: soon });
      assertProblem(await publish(rig, "t", "old", "&qos=1"), 502, "connection-lost");
      let fresh = await publish(rig, "t", "new", "&qos=1");
      while (fresh.status === 503) fresh = await publish(rig, "t", "new", "&qos=1");
      for (const peer of broker.peers.slice(1))
        assert.ok(publishesAt(peer).every(({ payload, dup }) => String(payload) === "new" && !dup));
    },
  );
});
