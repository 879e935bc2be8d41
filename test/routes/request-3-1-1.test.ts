import assert from "node:assert/strict";
import { accepts, acknowledges } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { message, opens, publishesAt } from "../support/publish-scripts.ts";
import { itMeets } from "../support/message-parties.ts";
import { openScripted, seenBy, subscribing } from "../support/subscribe-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const older = { protocolVersion: "3.1.1" };
const deaf = opens({}, (peer) => acknowledges(peer));

const request = ({ call }: Pick<Rig, "call">, body: object) =>
  call("POST", "/connections/home/request", { topic: "q", responseTopic: "a", ...body });

/** Resolves when the broker has got so many requests; gives their payloads. */
async function asked(rig: Rig, peer: ScriptedPeer, count: number): Promise<string[]> {
  while (publishesAt(peer).length < count) await rig.call("POST", "/connections/home/ping");
  return publishesAt(peer).map(({ payload }) => payload.toString());
}

describe("POST /connections/{id}/request before version 5", () => {
  itHolds("needs a response topic, and says so", async (rig) => {
    const { peer } = await openScripted(rig, accepts(), older);
    const answer = await request(rig, { responseTopic: undefined });
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].pointer, "/responseTopic");
    assert.deepEqual(await seenBy(rig, peer), []);
  });

  itHolds("takes no properties", async (rig) => {
    const { peer } = await openScripted(rig, deaf, older);
    const answer = await request(rig, { properties: { contentType: "a/b" } });
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].pointer, "/properties/contentType");
    await seenBy(rig, peer);
    assert.deepEqual(publishesAt(peer), []);
  });

  itMeets(
    "is answered with the next message on the response topic; a retained one there is none",
    async (parties) => {
      await parties.say("a", "retained", { retain: true });
      // Without waiting for PUBACK, which may come when the test is over.
      parties.other.on("message", (_topic, payload) => {
        parties.say("a", `to ${String(payload)}`).catch(() => {});
      });
      await parties.other.subscribeAsync("q", { qos: 1 });
      const { status, body } = await request(parties, { payload: "x" });
      assert.deepEqual([status, body.message.payload, body.message.retain], [200, "to x", false]);
    },
    { request: older },
  );

  itHolds(
    "several on one response topic are asked one after another, each with its own answer",
    async (rig) => {
      const { peer } = await openScripted(rig, deaf, older);
      const calls = ["1", "2", "3"].map((payload) => request(rig, { payload }));
      const answers = new Map<string, string>();
      for (let count = 1; count <= 3; count += 1) {
        const payloads = await asked(rig, peer, count);
        assert.equal(payloads.length, count);
        const last = payloads.at(-1) ?? "";
        answers.set(last, `to ${last}`);
        peer.send(message("a", `to ${last}`));
      }
      for (const [index, call] of calls.entries()) {
        const { status, body } = await call;
        assert.deepEqual([status, body.message.payload], [200, `to ${index + 1}`]);
      }
      assert.equal(answers.size, 3);
      assert.deepEqual(
        subscribing(peer).filter((each) => each.startsWith("+")),
        ["+ a 1"],
      );
    },
  );

  itHolds("those on different response topics do not wait for one another", async (rig) => {
    const { peer } = await openScripted(rig, deaf, older);
    const first = request(rig, { payload: "1" });
    await asked(rig, peer, 1);
    const second = request(rig, { payload: "2", responseTopic: "b" });
    await asked(rig, peer, 2);
    peer.send(message("b", "to 2"));
    assert.equal((await second).body.message.payload, "to 2");
    peer.send(message("a", "to 1"));
    assert.equal((await first).body.message.payload, "to 1");
  });

  itHolds("one whose time is over lets the next one ask, within its own time", async (rig) => {
    const { peer } = await openScripted(rig, deaf, older);
    const first = request(rig, { payload: "1", timeoutMs: 300 });
    await asked(rig, peer, 1);
    const impatient = request(rig, { payload: "2", timeoutMs: 100 });
    const third = request(rig, { payload: "3", timeoutMs: 20_000 });
    assertProblem(await impatient, 504, "response-timeout");
    assertProblem(await first, 504, "response-timeout");
    assert.deepEqual(await asked(rig, peer, 2), ["1", "3"]);
    peer.send(message("a", "to 3"));
    assert.equal((await third).body.message.payload, "to 3");
  });
});
