import assert from "node:assert/strict";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import {
  grant,
  grantNext,
  leavesSubscribing,
  openScripted,
  releaseNext,
  seenBy,
} from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

/** Resolves when the server has seen that the caller of its second call, the first being POST /connections, has gone. */
async function noticed(rig: Rig): Promise<void> {
  while (!rig.app.logs.some((line) => /"path":"\/connections\/home\//.test(line)))
    await rig.app.call("GET", "/healthz");
}

describe("Subscriptions: before the broker has answered", () => {
  itHolds("grantedQos and reasonCode are null, for those of the request too", async (rig) => {
    const { peer } = await openScripted(rig, leavesSubscribing(), {
      subscriptions: [{ topicFilter: "a", qos: 1 }],
    });
    const packet = await peer.next("subscribe");
    const before = await rig.call("GET", subscriptionPath("a"));
    assert.deepEqual(before.body, {
      topicFilter: "a",
      qos: 1,
      grantedQos: null,
      reasonCode: null,
      reasonName: null,
    });
    await using events = await rig.app.events("/connections/home/events");
    grant(peer, packet, 0);
    await events.next("subscribed");
    const after = await rig.call("GET", subscriptionPath("a"));
    assert.deepEqual([after.body.grantedQos, after.body.reasonCode], [0, 0]);
  });

  itHolds("one that was refused is in the list with its reason code", async (rig) => {
    const subscriptions = [{ topicFilter: "a", qos: 1 }];
    const { peer } = await openScripted(rig, leavesSubscribing(), { subscriptions });
    await using events = await rig.app.events("/connections/home/events");
    await grantNext(peer, 0x87);
    await events.next("subscription-refused");
    const { body } = await rig.call("GET", subscriptionPath("a"));
    assert.deepEqual([body.grantedQos, body.reasonCode, body.reasonName], [null, 0x87, "Not authorized"]);
  });

  itHolds("userProperties and every option are in the SUBSCRIBE", async (rig) => {
    const { peer } = await openScripted(rig);
    const options = { noLocal: true, retainAsPublished: true, retainHandling: 2 };
    const properties = { subscriptionIdentifier: 7, userProperties: { a: ["1", "2"], b: "3" } };
    const call = subscribe(rig, "a/#", { qos: 2, ...options, ...properties });
    const packet = await peer.next("subscribe");
    assert.deepEqual({ ...packet.subscriptions[0] }, { topic: "a/#", qos: 2, nl: true, rap: true, rh: 2 });
    assert.equal(packet.properties?.subscriptionIdentifier, 7);
    assert.deepEqual({ ...packet.properties?.userProperties }, properties.userProperties);
    grant(peer, packet);
    const { body } = await call;
    assert.deepEqual(
      { ...body },
      {
        topicFilter: "a/#",
        qos: 2,
        ...options,
        ...properties,
        grantedQos: 2,
        reasonCode: 2,
        reasonName: "Granted QoS 2",
      },
    );
  });
});

describe("Subscriptions: calls at the same time", () => {
  itHolds(
    "two POSTs of one filter go one after another: 201 and 200, and the later one holds",
    async (rig) => {
      const { peer } = await openScripted(rig);
      const first = subscribe(rig, "a", { qos: 1 });
      const packet = await peer.next("subscribe");
      const second = subscribe(rig, "a", { qos: 2 });
      assert.deepEqual(await seenBy(rig, peer), ["+ a 1"]);
      grant(peer, packet);
      await grantNext(peer);
      assert.deepEqual([(await first).status, (await second).status], [201, 200]);
      assert.equal((await rig.call("GET", subscriptionPath("a"))).body.grantedQos, 2);
    },
  );

  itHolds("POSTs of different filters do not wait for one another", async (rig) => {
    const { peer } = await openScripted(rig);
    const slow = subscribe(rig, "slow");
    const packet = await peer.next("subscribe");
    const quick = subscribe(rig, "quick");
    assert.deepEqual(await grantNext(peer), ["quick"]);
    assert.equal((await quick).status, 201);
    grant(peer, packet);
    assert.equal((await slow).status, 201);
  });

  itHolds(
    "a DELETE after a POST that has not ended comes after it: 201, 204, and nothing left",
    async (rig) => {
      const { peer } = await openScripted(rig);
      await Promise.all([subscribe(rig, "a", { qos: 1 }), grantNext(peer)]);
      const again = subscribe(rig, "a", { qos: 2 });
      const packet = await peer.next("subscribe");
      const remove = rig.call("DELETE", subscriptionPath("a"));
      assert.deepEqual(await seenBy(rig, peer), ["+ a 1", "+ a 2"]);
      grant(peer, packet);
      assert.deepEqual(await releaseNext(peer), ["a"]);
      assert.deepEqual([(await again).status, (await remove).status], [200, 204]);
      assert.deepEqual(await subscribedFilters(rig), []);
    },
  );

  itHolds(
    "a POST after a DELETE that has not ended comes after it: 204, 201, and it is there",
    async (rig) => {
      const { peer } = await openScripted(rig);
      await Promise.all([subscribe(rig, "a", { qos: 1 }), grantNext(peer)]);
      const remove = rig.call("DELETE", subscriptionPath("a"));
      const { messageId = 0 } = await peer.next("unsubscribe");
      const again = subscribe(rig, "a", { qos: 2 });
      assert.deepEqual(await seenBy(rig, peer), ["+ a 1", "- a"]);
      peer.send({ cmd: "unsuback", messageId, granted: [0] });
      await grantNext(peer);
      assert.deepEqual([(await remove).status, (await again).status], [204, 201]);
      assert.deepEqual(await subscribedFilters(rig), ["a"]);
    },
  );

  itHolds("two DELETEs of one filter: one UNSUBSCRIBE, 204 and 404", async (rig) => {
    const { peer } = await openScripted(rig);
    await Promise.all([subscribe(rig, "a"), grantNext(peer)]);
    const both = [1, 2].map(() => rig.call("DELETE", subscriptionPath("a")));
    await releaseNext(peer);
    assert.deepEqual(
      (await Promise.all(both)).map(({ status }) => status).toSorted((a, b) => a - b),
      [204, 404],
    );
    assert.deepEqual(await seenBy(rig, peer), ["+ a 0", "- a"]);
  });
});

describe("Subscriptions: callers that do not wait for SUBACK", () => {
  const callers = [
    [
      "POST",
      (rig: Rig, signal: AbortSignal) =>
        rig.app.call("POST", "/connections/home/subscriptions?wait=0.2", { topicFilter: "a" }, {}, signal),
    ],
    [
      "?subscribe",
      (rig: Rig, signal: AbortSignal) =>
        rig.app.call(
          "GET",
          "/connections/home/messages?subscribe=a",
          undefined,
          { prefer: "wait=1" },
          signal,
        ),
    ],
    [
      "?subscribe as SSE",
      (rig: Rig, signal: AbortSignal) =>
        rig.app.call("GET", "/connections/home/messages?format=sse&subscribe=a", undefined, {}, signal),
    ],
    [
      "retained",
      (rig: Rig, signal: AbortSignal) =>
        rig.app.call("GET", "/connections/home/retained?topic=a&wait=0.2", undefined, {}, signal),
    ],
    [
      "request",
      (rig: Rig, signal: AbortSignal) =>
        rig.app.call(
          "POST",
          "/connections/home/request",
          { topic: "q", responseTopic: "a", timeoutMs: 200 },
          {},
          signal,
        ),
    ],
  ] as const;
  for (const [name, call] of callers) {
    itHolds(`${name}: a caller that leaves leaves nothing subscribed`, async (rig) => {
      const { peer } = await openScripted(rig);
      const controller = new AbortController();
      const answer = call(rig, controller.signal).catch(() => null);
      const packet = await peer.next("subscribe");
      controller.abort();
      assert.equal(await answer, null);
      await noticed(rig);
      grant(peer, packet);
      assert.deepEqual(await releaseNext(peer), ["a"]);
      assert.deepEqual(await subscribedFilters(rig), []);
    });
  }

  for (const [name, call, status] of [
    [callers[0][0], callers[0][1], 504],
    [callers[1][0], callers[1][1], 504],
    [callers[3][0], callers[3][1], 504],
    [callers[4][0], callers[4][1], 504],
  ] as const) {
    itHolds(`${name}: a call whose time is over leaves nothing subscribed`, async (rig) => {
      const { peer } = await openScripted(rig);
      const answer = call(rig, new AbortController().signal);
      const packet = await peer.next("subscribe");
      assert.equal((await answer).status, status);
      grant(peer, packet);
      assert.deepEqual(await releaseNext(peer), ["a"]);
      // What comes next is a first one again.
      const again = subscribe(rig, "a", { qos: 1 });
      await grantNext(peer);
      assert.equal((await again).status, 201);
    });
  }

  itHolds("one that leaves while it waits for another call's turn holds nothing", async (rig) => {
    const { peer } = await openScripted(rig);
    const kept = subscribe(rig, "a");
    const packet = await peer.next("subscribe");
    const reading = await rig.call("GET", "/connections/home/messages?subscribe=a", undefined, {
      prefer: "wait=0",
    });
    assertProblem(reading, 504, "acknowledgement-timeout");
    grant(peer, packet);
    assert.equal((await kept).status, 201);
    const remove = rig.call("DELETE", subscriptionPath("a"));
    assert.deepEqual(await releaseNext(peer), ["a"]);
    assert.equal((await remove).status, 204);
  });

  itHolds("a renewal whose caller does not wait leaves the subscription", async (rig) => {
    const { peer } = await openScripted(rig);
    await Promise.all([subscribe(rig, "a"), grantNext(peer)]);
    const again = subscribe(rig, "a", { qos: 1 }, "?wait=0.1");
    const packet = await peer.next("subscribe");
    assertProblem(await again, 504, "acknowledgement-timeout");
    grant(peer, packet);
    assert.deepEqual(await seenBy(rig, peer), ["+ a 0", "+ a 1"]);
    assert.deepEqual(await subscribedFilters(rig), ["a"]);
  });
});
