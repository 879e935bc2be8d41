import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { acknowledge, line, opens, publishesAt, resumes } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const session = {
  clientId: "c34",
  cleanStart: false,
  properties: { sessionExpiryInterval: 3_600 },
  reconnect: { minDelayMs: 10, maxDelayMs: 20 },
};

/**
 * Takes `count` messages and acknowledges the oldest only when `most` are there, and the client has nothing more to
 * say: what it would send too much stands before its PINGREQ.
 */
async function takeAtMost(rig: Rig, peer: ScriptedPeer, count: number, most: number): Promise<string[]> {
  const lines: string[] = [];
  const unacknowledged: number[] = [];
  for (let done = 0; done < count; done += 1) {
    while (unacknowledged.length < Math.min(most, count - done)) {
      const packet = await peer.next("publish");
      lines.push(line(packet));
      unacknowledged.push(packet.messageId ?? 0);
    }
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    assert.equal(publishesAt(peer).length - done, unacknowledged.length, "more are in flight than may be");
    acknowledge(peer, "puback", unacknowledged.shift() ?? 0);
  }
  return lines;
}

describe("S10: the broker's Receive Maximum", () => {
  itHolds("S10: of three concurrent QoS 1 publishes two are in flight, and all succeed", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 2 } }));
    await rig.open({ id: "home", url: broker.url });
    const answers = ["a", "b", "c"].map((payload) => publish(rig, "t", payload, "&qos=1"));
    await takeAtMost(rig, await broker.connection(1), 3, 2);
    for (const answer of answers) assert.equal((await answer).status, 200, (await answer).text);
  });

  itHolds("S10: in version 3.1.1, which has none, 20 are in flight at once", async (rig) => {
    const broker = await rig.broker(opens({}));
    await rig.open({ id: "home", url: broker.url, protocolVersion: "3.1.1" });
    const answers = Array.from({ length: 50 }, (_, n) => publish(rig, "t", `${n}`, "&qos=1"));
    await takeAtMost(rig, await broker.connection(1), 50, 20);
    for (const answer of answers) assert.equal((await answer).status, 200, (await answer).text);
  });
});

describe("S34: a Receive Maximum that is smaller after the reconnect", () => {
  itHolds("S34: what is in flight comes again in order, and never more at once", async (rig) => {
    const broker = await rig.broker(
      inTurn(
        opens({}),
        resumes(() => {}, { receiveMaximum: 2 }),
      ),
    );
    await rig.open({ id: "home", url: broker.url, ...session });
    const first = await broker.connection(1);
    const answers: Promise<Answer>[] = [];
    const expected: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      answers.push(publish(rig, "t", `m${n}`, "&qos=1"));
      expected.push(`${line(await first.next("publish"))} dup`);
    }
    first.reset();
    const second = await broker.connection(2);
    assert.deepEqual(await takeAtMost(rig, second, 5, 2), expected);
    for (const answer of answers) assert.equal((await answer).status, 200, (await answer).text);
    // What is new comes behind what is old.
    const fresh = publish(rig, "t", "new", "&qos=1");
    acknowledge(second, "puback", (await second.next("publish")).messageId ?? 0);
    assert.equal((await fresh).status, 200);
  });

  itHolds("S34: a new message waits behind those that come again", async (rig) => {
    const broker = await rig.broker(
      inTurn(
        opens({}),
        resumes(() => {}, { receiveMaximum: 1 }),
      ),
    );
    await rig.open({ id: "home", url: broker.url, ...session });
    const first = await broker.connection(1);
    const answers: Promise<Answer>[] = [];
    for (let n = 0; n < 3; n += 1) {
      answers.push(publish(rig, "t", `old${n}`, "&qos=1"));
      await first.next("publish");
    }
    first.reset();
    const second = await broker.connection(2);
    const again = await second.next("publish");
    answers.push(publish(rig, "t", "new", "&qos=1"));
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    const payloads = [String(again.payload)];
    acknowledge(second, "puback", again.messageId ?? 0);
    while (payloads.length < 4) {
      const { payload, messageId = 0 } = await second.next("publish");
      payloads.push(String(payload));
      acknowledge(second, "puback", messageId);
    }
    assert.deepEqual(payloads, ["old0", "old1", "old2", "new"]);
    for (const answer of answers) assert.equal((await answer).status, 200, (await answer).text);
  });

  itHolds("S34: what was not written when the link went is told 503, and is not sent", async (rig) => {
    const broker = await rig.broker(
      inTurn(
        opens({ connack: { receiveMaximum: 1 } }),
        resumes(() => {}, { receiveMaximum: 1 }),
      ),
    );
    await rig.open({ id: "home", url: broker.url, ...session });
    const first = await broker.connection(1);
    const written = publish(rig, "t", "written", "&qos=1");
    await first.next("publish");
    const waiting = publish(rig, "t", "waiting", "&qos=1");
    // It came to the server before this did, or the loss finds it on its way; both are a 503.
    await rig.call("POST", "/connections/home/ping");
    first.reset();
    const told = await waiting;
    assertProblem(told, 503, "temporarily-not-connected");
    assert.ok(Number(told.headers.get("retry-after")) > 0, "no Retry-After");
    assert.notEqual(told.body.duplicatePossible, true);
    const second = await broker.connection(2);
    acknowledge(second, "puback", (await second.next("publish")).messageId ?? 0);
    assert.equal((await written).status, 200, (await written).text);
    const last = publish(rig, "t", "last", "&qos=1");
    acknowledge(second, "puback", (await second.next("publish")).messageId ?? 0);
    assert.equal((await last).status, 200);
    assert.deepEqual(
      publishesAt(second).map(({ payload }) => String(payload)),
      ["written", "last"],
    );
  });
});
