import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { assertProblem, itHolds, timed } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

/** What a broker leaves out: the answer to PUBLISH, or to PUBREL. */
const omissions: readonly (readonly [what: string, qos: number, script: (peer: ScriptedPeer) => void])[] = [
  ["PUBACK", 1, () => {}],
  ["PUBREC", 2, () => {}],
  [
    "PUBCOMP",
    2,
    (peer) => peer.answer("publish", ({ messageId = 0 }) => acknowledge(peer, "pubrec", messageId)),
  ],
];

function assertInTime(ms: number, deadlineMs: number): void {
  assert.ok(ms >= deadlineMs - 20 && ms < deadlineMs + 500, `${ms} ms, where ${deadlineMs} were asked for`);
}

function assertTimedOut(answer: Answer, duplicatePossible: boolean): void {
  assertProblem(answer, 504, "acknowledgement-timeout");
  assert.equal(answer.body.duplicatePossible, duplicatePossible, answer.text);
}

describe("S33: a broker that does not acknowledge", () => {
  for (const [what, qos, script] of omissions) {
    itHolds(`S33: ${what} never comes: 504 at the deadline, and a duplicate is possible`, async (rig) => {
      const broker = await rig.broker(opens({}, script));
      await rig.open({ id: "home", url: broker.url });
      const [answer, ms] = await timed(publish(rig, "t", "x", `&qos=${qos}&wait=1`));
      assertTimedOut(answer, true);
      assertInTime(ms, 1_000);
      const { body: view } = await rig.call("GET", "/connections/home");
      assert.deepEqual([view.state, view.counters.connects, view.counters.inflight], ["connected", 1, 1]);
    });
  }

  itHolds("S33: Prefer: wait sets the deadline as well, and the query wins over it", async (rig) => {
    const broker = await rig.broker(opens({}));
    await rig.open({ id: "home", url: broker.url });
    const path = "/connections/home/publish?topic=t&qos=1";
    const headers = { "content-type": "text/plain", prefer: "wait=1" };
    const [preferred, preferredMs] = await timed(rig.call("POST", path, "x", headers));
    assertTimedOut(preferred, true);
    assertInTime(preferredMs, 1_000);
    const [asked, askedMs] = await timed(rig.call("POST", `${path}&wait=0.3`, "x", headers));
    assertTimedOut(asked, true);
    assertInTime(askedMs, 300);
  });

  itHolds(
    "S33: where it has taken the Receive Maximum, the next is 504 without a duplicate, and never sent",
    async (rig) => {
      const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
      await rig.open({ id: "home", url: broker.url });
      const peer = await broker.connection(1);
      assertTimedOut(await publish(rig, "t", "first", "&qos=1&wait=0.2"), true);
      const [answer, ms] = await timed(publish(rig, "t", "second", "&qos=1&wait=1"));
      assertTimedOut(answer, false);
      assertInTime(ms, 1_000);
      assert.equal(publishesAt(peer).length, 1);
      // QoS 0 needs none of it.
      assert.equal((await publish(rig, "t", "third", "&qos=0")).status, 202);
      // The late PUBACK makes room again, for the next one and not for the one that was given up.
      const { messageId = 0 } = await peer.next("publish");
      const fourth = publish(rig, "t", "fourth", "&qos=1");
      acknowledge(peer, "puback", messageId);
      assert.equal(String((await peer.next("publish")).payload), "third");
      acknowledge(peer, "puback", (await peer.next("publish")).messageId ?? 0);
      assert.equal((await fourth).status, 200, (await fourth).text);
      assert.deepEqual(
        publishesAt(peer).map(({ payload }) => String(payload)),
        ["first", "third", "fourth"],
      );
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.inflight, 0);
    },
  );

  itHolds("S33: PUBREC does not make room, PUBCOMP does (MQTT 5 §4.9)", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const first = publish(rig, "t", "first", "&qos=2");
    const { messageId = 0 } = await peer.next("publish");
    const second = publish(rig, "t", "second", "&qos=1");
    acknowledge(peer, "pubrec", messageId);
    await peer.next("pubrel");
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    assert.equal(publishesAt(peer).length, 1);
    acknowledge(peer, "pubcomp", messageId);
    acknowledge(peer, "puback", (await peer.next("publish")).messageId ?? 0);
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
  });

  itHolds("S33: PUBREC with a refusal makes room (MQTT 5 §4.9)", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const first = publish(rig, "t", "first", "&qos=2");
    const { messageId = 0 } = await peer.next("publish");
    const second = publish(rig, "t", "second", "&qos=1");
    acknowledge(peer, "pubrec", messageId, { reasonCode: 0x97 });
    acknowledge(peer, "puback", (await peer.next("publish")).messageId ?? 0);
    assert.deepEqual([(await first).status, (await second).status], [429, 200]);
  });

  itHolds("S33: a caller that hangs up does not disturb the exchange", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const controller = new AbortController();
    const path = `${rig.app.url}/connections/home/publish?topic=t&qos=2`;
    const gone = fetch(path, { method: "POST", body: "x", signal: controller.signal }).catch(() => "gone");
    const { messageId = 0 } = await peer.next("publish");
    controller.abort();
    assert.equal(await gone, "gone");
    acknowledge(peer, "pubrec", messageId);
    assert.equal((await peer.next("pubrel")).messageId, messageId);
    acknowledge(peer, "pubcomp", messageId);
    const next = publish(rig, "t", "y", "&qos=1");
    acknowledge(peer, "puback", (await peer.next("publish")).messageId ?? 0);
    assert.equal((await next).status, 200);
  });

  itHolds("S33: what waits for room when its caller hangs up is not sent any more", async (rig) => {
    const broker = await rig.broker(opens({ connack: { receiveMaximum: 1 } }));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const first = publish(rig, "t", "first", "&qos=1");
    const { messageId = 0 } = await peer.next("publish");
    const controller = new AbortController();
    const path = `${rig.app.url}/connections/home/publish?topic=t&qos=1`;
    const gone = fetch(path, { method: "POST", body: "gone", signal: controller.signal }).catch(() => "gone");
    await rig.call("POST", "/connections/home/ping");
    controller.abort();
    assert.equal(await gone, "gone");
    // That the caller has gone reaches the server by another way than this; it is there when the next one is.
    await rig.call("POST", "/connections/home/ping");
    acknowledge(peer, "puback", messageId);
    assert.equal((await first).status, 200);
    const last = publish(rig, "t", "last", "&qos=1");
    const next = await peer.next("publish");
    assert.equal(String(next.payload), "last");
    acknowledge(peer, "puback", next.messageId ?? 0);
    assert.equal((await last).status, 200);
  });

  itHolds("S33: a late acknowledgement is not taken for a later message's", async (rig) => {
    const broker = await rig.broker(opens({}));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    assertTimedOut(await publish(rig, "t", "first", "&qos=1&wait=0.2"), true);
    const first = await peer.next("publish");
    const later = publish(rig, "t", "second", "&qos=1&wait=1");
    const second = await peer.next("publish");
    assert.notEqual(second.messageId, first.messageId);
    acknowledge(peer, "puback", first.messageId ?? 0, { reasonCode: 0x87 });
    assertTimedOut(await later, true);
  });
});
