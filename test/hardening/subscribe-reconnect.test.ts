import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import { opens } from "../support/publish-scripts.ts";
import type { Script, ScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const reconnect = { minDelayMs: 10, maxDelayMs: 20 };
const session = { cleanStart: false, clientId: "c36", properties: { sessionExpiryInterval: 3_600 } };

function subscriptionsAt(peer: ScriptedPeer): string[] {
  return peer.received.flatMap((packet) =>
    packet.cmd === "subscribe" ? packet.subscriptions.map(({ topic, qos }) => `${topic} ${qos}`) : [],
  );
}

async function open(rig: Rig, request: object, ...scripts: [Script, ...Script[]]): Promise<ScriptedBroker> {
  const broker = await rig.broker(inTurn(...scripts));
  const opened = await rig.open({ id: "home", url: broker.url, reconnect, ...request });
  assert.equal(opened.status, 201, opened.text);
  return broker;
}

/** Ends the first network connection and waits for the second, and for so many subscriptions on it. */
async function reconnected(rig: Rig, broker: ScriptedBroker, subscriptions: number): Promise<ScriptedPeer> {
  await using events = await rig.app.events("/connections/home/events?types=connected,subscribed");
  (await broker.connection(1)).reset();
  await events.next("connected");
  for (let n = 0; n < subscriptions; n += 1) await events.next("subscribed");
  // One more than there should be would stand before this.
  assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
  return broker.connection(2);
}

describe("S36: subscriptions after a reconnect", () => {
  itHolds("S36: without a session those that are kept are made again, as they were last", async (rig) => {
    const broker = await open(rig, { subscriptions: [{ topicFilter: "first" }] }, accepts());
    await subscribe(rig, "a", { qos: 1 });
    await subscribe(rig, "b", { qos: 2 });
    await subscribe(rig, "gone");
    assert.equal((await rig.call("DELETE", subscriptionPath("gone"))).status, 204);
    await subscribe(rig, "a", { qos: 2, noLocal: true });
    const second = await reconnected(rig, broker, 3);
    assert.deepEqual(subscriptionsAt(second).toSorted(), ["a 2", "b 2", "first 0"]);
    const [again] = second.received.flatMap((packet) =>
      packet.cmd === "subscribe" ? packet.subscriptions.filter(({ topic }) => topic === "a") : [],
    );
    assert.equal(again?.nl, true);
    assert.deepEqual((await subscribedFilters(rig)).toSorted(), ["a", "b", "first"]);
  });

  itHolds("S36: one of the request that was unsubscribed does not come back", async (rig) => {
    const subscriptions = [{ topicFilter: "a" }, { topicFilter: "b" }];
    const broker = await open(rig, { subscriptions }, accepts());
    assert.equal((await rig.call("DELETE", subscriptionPath("a"))).status, 204);
    assert.deepEqual(subscriptionsAt(await reconnected(rig, broker, 1)), ["b 0"]);
  });

  itHolds("S36: with the session there nothing is subscribed again", async (rig) => {
    const broker = await open(
      rig,
      { ...session, subscriptions: [{ topicFilter: "first" }] },
      accepts(),
      accepts({}, { sessionPresent: true }),
    );
    await subscribe(rig, "a", { qos: 1 });
    assert.deepEqual(subscriptionsAt(await reconnected(rig, broker, 0)), []);
    assert.deepEqual((await subscribedFilters(rig)).toSorted(), ["a", "first"]);
  });

  itHolds("S36: one whose renewal was not answered is made again, as it is listed", async (rig) => {
    let asked = 0;
    const answersOnce = opens({}, (peer) => {
      peer.answer("subscribe", ({ messageId = 0 }) => {
        asked += 1;
        if (asked === 1) peer.send({ cmd: "suback", messageId, granted: [1] });
        else peer.reset();
      });
    });
    const broker = await open(rig, session, answersOnce, accepts({}, { sessionPresent: true }));
    await subscribe(rig, "a", { qos: 1 });
    await using events = await rig.app.events("/connections/home/events?types=subscribed");
    assertProblem(await subscribe(rig, "a", { qos: 0 }), 502, "connection-lost");
    // The session may have the other one.
    await events.next("subscribed");
    assert.deepEqual(subscriptionsAt(await broker.connection(2)), ["a 1"]);
  });

  itHolds("S36: where the broker lost the session all are made again", async (rig) => {
    const broker = await open(rig, session, accepts());
    await subscribe(rig, "a", { qos: 1 });
    assert.deepEqual(subscriptionsAt(await reconnected(rig, broker, 1)), ["a 1"]);
  });

  itHolds(
    "S36: where the broker says that it kept a session that began clean, all are made again",
    async (rig) => {
      const broker = await open(rig, {}, accepts(), accepts({}, { sessionPresent: true }));
      await subscribe(rig, "a", { qos: 1 });
      assert.deepEqual(subscriptionsAt(await reconnected(rig, broker, 1)), ["a 1"]);
    },
  );

  itHolds("S36: one that was refused by HTTP is not tried again behind the caller's back", async (rig) => {
    const refusing = accepts({}, { granted: ({ topic, qos }) => (topic === "no" ? 0x87 : qos) });
    const broker = await open(rig, {}, refusing, accepts());
    await subscribe(rig, "a");
    assertProblem(await subscribe(rig, "no"), 403, "broker-not-authorized");
    assert.deepEqual(subscriptionsAt(await reconnected(rig, broker, 1)), ["a 0"]);
  });

  itHolds("S36: one whose SUBACK never came does not outlive its 504 unseen", async (rig) => {
    const deaf = opens({}, (peer) => peer.answer("subscribe", () => {}));
    const broker = await open(rig, {}, deaf, accepts());
    assertProblem(await subscribe(rig, "a", {}, "?wait=0.2"), 504, "acknowledgement-timeout");
    const listed = await subscribedFilters(rig);
    const second = await reconnected(rig, broker, listed.length);
    // Either is in order, but what is subscribed is what is listed.
    assert.deepEqual(
      subscriptionsAt(second),
      listed.map((filter) => `${filter} 0`),
    );
    assert.deepEqual(await subscribedFilters(rig), listed);
  });

  itHolds("S36: 500 subscribed by HTTP are all back, and in GET", async (rig) => {
    const broker = await open(rig, {}, accepts());
    const filters = Array.from({ length: 500 }, (_, n) => `t/${n}`);
    for (let at = 0; at < filters.length; at += 50) {
      const calls = filters.slice(at, at + 50).map((filter) => subscribe(rig, filter));
      for (const call of calls) assert.equal((await call).status, 201, (await call).text);
    }
    const second = await reconnected(rig, broker, filters.length);
    const wanted = filters.map((filter) => `${filter} 0`).toSorted();
    assert.deepEqual(subscriptionsAt(second).toSorted(), wanted);
    assert.deepEqual((await subscribedFilters(rig)).toSorted(), filters.toSorted());
  });
});
