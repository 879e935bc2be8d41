import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { publish, subscribe } from "../support/message-calls.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";
import { inState, viewWhen } from "../support/view.ts";

const session = { clientId: "c43", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };

/** Opens `home` with so many QoS 1 publishes that the broker has, and does not acknowledge. */
async function openInFlight(rig: Rig, count: number, connack: object = {}, request: object = {}) {
  const broker = await rig.broker(opens({ connack }));
  const opened = await rig.open({ id: "home", url: broker.url, ...request });
  assert.equal(opened.status, 201, opened.text);
  const peer = await broker.connection(1);
  const calls: Promise<Answer>[] = [];
  const ids: number[] = [];
  for (let n = 0; n < count; n += 1) {
    calls.push(publish(rig, "t", `m${n}`, "&qos=1&wait=30"));
    ids.push((await peer.next("publish")).messageId ?? 0);
  }
  return { broker, peer, calls, ids };
}

function assertDisconnectIsLast(peer: ScriptedPeer): void {
  const kinds = peer.received.map(({ cmd }) => cmd);
  assert.equal(kinds.at(-1), "disconnect", kinds.join());
  assert.equal(kinds.filter((cmd) => cmd === "disconnect").length, 1);
}

describe("S43: DELETE while publishes are in flight", () => {
  itHolds("S43: pending calls are answered within drainMs, and DISCONNECT is sent", async (rig) => {
    const { peer, calls } = await openInFlight(rig, 3);
    const [[removed], ms] = await timed(
      Promise.all([rig.call("DELETE", "/connections/home?drainMs=300"), ...calls]),
    );
    assert.equal(removed.status, 200, removed.text);
    assert.deepEqual([removed.body.drained, removed.body.unacknowledged], [false, 3], removed.text);
    assert.ok(ms < 2_000, `the last answer came after ${ms} ms`);
    for (const call of calls) {
      const answer = await call;
      assertProblem(answer, 502, "connection-lost");
      assert.equal(answer.body.duplicatePossible, true);
    }
    await peer.closed;
    assertDisconnectIsLast(peer);
  });

  itHolds(
    "S43: what is acknowledged within drainMs is a success, and DISCONNECT comes behind it",
    async (rig) => {
      const { peer, calls, ids } = await openInFlight(rig, 3);
      await using events = await rig.app.events("/connections/home/events");
      const deleting = rig.call("DELETE", "/connections/home?drainMs=20000");
      await events.next("closing");
      for (const id of ids) acknowledge(peer, "puback", id);
      for (const call of calls) assert.equal((await call).status, 200, (await call).text);
      const [removed, ms] = await timed(deleting);
      assert.equal(removed.status, 200);
      assert.deepEqual([removed.body.drained, removed.body.unacknowledged], [true, 0], removed.text);
      assert.ok(ms < 2_000, `${ms} ms`);
      await peer.closed;
      assertDisconnectIsLast(peer);
    },
  );

  itHolds("S43: a QoS 2 exchange is finished before DISCONNECT", async (rig) => {
    const broker = await rig.broker(opens({}));
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const call = publish(rig, "t", "x", "&qos=2");
    const { messageId = 0 } = await peer.next("publish");
    await using events = await rig.app.events("/connections/home/events");
    const deleting = rig.call("DELETE", "/connections/home");
    await events.next("closing");
    acknowledge(peer, "pubrec", messageId);
    await peer.next("pubrel");
    acknowledge(peer, "pubcomp", messageId);
    assert.equal((await call).status, 200, (await call).text);
    assert.equal((await deleting).body.drained, true);
    await peer.closed;
    assertDisconnectIsLast(peer);
  });

  itHolds("S43: no new work is taken while it closes", async (rig) => {
    const { peer } = await openInFlight(rig, 1);
    await using events = await rig.app.events("/connections/home/events");
    const deleting = rig.call("DELETE", "/connections/home?drainMs=500");
    await events.next("closing");
    for (const answer of [await publish(rig, "t", "late", "&qos=1"), await subscribe(rig, "late")])
      assert.ok([404, 409, 410, 503].includes(answer.status), answer.text);
    await deleting;
    await peer.closed;
    assert.equal(publishesAt(peer).length, 1);
    assert.ok(!peer.received.some(({ cmd }) => cmd === "subscribe"));
  });

  itHolds("S43: what waits for the Receive Maximum is answered, and was never sent", async (rig) => {
    const { peer, calls } = await openInFlight(rig, 1, { receiveMaximum: 1 });
    const waiting = [1, 2].map((n) => publish(rig, "t", `waiting${n}`, "&qos=1&wait=30"));
    await rig.call("POST", "/connections/home/ping");
    const [, ms] = await timed(
      Promise.all([rig.call("DELETE", "/connections/home?drainMs=200"), ...calls, ...waiting]),
    );
    assert.ok(ms < 2_000, `${ms} ms`);
    for (const call of waiting) {
      const answer = await call;
      assert.ok(answer.status >= 400 && answer.status !== 500, answer.text);
      assert.notEqual(answer.body.duplicatePossible, true, answer.text);
    }
    await peer.closed;
    assert.equal(publishesAt(peer).length, 1);
  });

  itHolds("S43: with force: pending calls are answered at once, without DISCONNECT", async (rig) => {
    const { peer, calls } = await openInFlight(rig, 3);
    const [, ms] = await timed(Promise.all([rig.call("DELETE", "/connections/home?force=true"), ...calls]));
    assert.ok(ms < 1_000, `${ms} ms`);
    for (const call of calls) assert.equal((await call).body.duplicatePossible, true, (await call).text);
    await peer.closed;
    assert.ok(!peer.received.some(({ cmd }) => cmd === "disconnect"));
  });

  itHolds(
    "S43: while the broker is away and the session is kept: pending calls are answered",
    async (rig) => {
      const { peer, calls } = await openInFlight(
        rig,
        2,
        {},
        { ...session, reconnect: { minDelayMs: 60_000 } },
      );
      peer.reset();
      await viewWhen(rig.app, "home", inState("waiting"));
      const [, ms] = await timed(Promise.all([rig.call("DELETE", "/connections/home"), ...calls]));
      assert.ok(ms < 2_000, `${ms} ms`);
      for (const call of calls) {
        const answer = await call;
        assert.ok(answer.status >= 400 && answer.status !== 500, answer.text);
        assert.equal(answer.body.duplicatePossible, true, answer.text);
      }
    },
  );

  itHolds("S43: a replacement by PUT answers them as well", async (rig) => {
    const { broker, calls } = await openInFlight(rig, 2);
    const put = rig.call("PUT", "/connections/home", { url: broker.url, keepAlive: 30 });
    const [, ms] = await timed(Promise.all([put, ...calls]));
    assert.ok((await put).status < 300, (await put).text);
    assert.ok(ms < 10_000, `${ms} ms`);
    for (const call of calls) assert.equal((await call).body.duplicatePossible, true, (await call).text);
    assert.deepEqual(publishesAt(await broker.connection(2)), []);
  });

  itHolds("S43: waiting SUBSCRIBE and UNSUBSCRIBE are answered", async (rig) => {
    const broker = await rig.broker(
      opens({}, (peer) => {
        peer.answer("subscribe", ({ messageId = 0, subscriptions }) => {
          if (subscriptions[0]?.topic === "kept") peer.send({ cmd: "suback", messageId, granted: [0] });
        });
        peer.answer("unsubscribe", () => {});
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    assert.equal((await subscribe(rig, "kept")).status, 201);
    const waiting = [subscribe(rig, "a"), rig.call("DELETE", "/connections/home/subscriptions/kept")];
    await rig.call("POST", "/connections/home/ping");
    const [, ms] = await timed(
      Promise.all([rig.call("DELETE", "/connections/home?drainMs=200"), ...waiting]),
    );
    assert.ok(ms < 2_000, `${ms} ms`);
    for (const call of waiting) assert.ok((await call).status >= 400, (await call).text);
  });

  itHolds("S43: a long poll and streams of messages are ended", async (rig) => {
    const { calls } = await openInFlight(rig, 0);
    assert.equal(calls.length, 0);
    const poll = rig.call("GET", "/connections/home/messages?wait=30");
    await using sse = await rig.app.events("/connections/home/messages", { accept: "text/event-stream" });
    await rig.call("POST", "/connections/home/ping");
    const [, ms] = await timed(Promise.all([rig.call("DELETE", "/connections/home"), poll, sse.ended]));
    assert.ok(ms < 2_000, `${ms} ms`);
    assert.ok([200, 404, 410].includes((await poll).status), (await poll).text);
  });
});
