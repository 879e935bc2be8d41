import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { readMessages, subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import {
  grantNext,
  leavesSubscribing,
  openScripted,
  releaseNext,
  seenBy,
} from "../support/subscribe-scripts.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

describe("GET /connections/{id}/messages?subscribe= at the broker", () => {
  itHolds("two share one SUBSCRIBE, and the last to end unsubscribes", async (rig) => {
    const { peer } = await openScripted(rig);
    const first = readMessages(rig.app, "sse", "?subscribe=a&qos=1");
    assert.deepEqual(await grantNext(peer), ["a"]);
    const one = await first;
    const two = await readMessages(rig.app, "ndjson", "?subscribe=a");
    assert.deepEqual(await seenBy(rig, peer), ["+ a 1"]);
    await one[Symbol.asyncDispose]();
    await rig.call("GET", "/connections/home/messages?subscribe=a");
    assert.deepEqual(await seenBy(rig, peer), ["+ a 1"]);
    await two[Symbol.asyncDispose]();
    assert.deepEqual(await releaseNext(peer), ["a"]);
  });

  itHolds(
    "a kept subscription of the same filter stays when they end, and they when it goes",
    async (rig) => {
      const { peer } = await openScripted(rig);
      await Promise.all([subscribe(rig, "a"), grantNext(peer)]);
      await rig.call("GET", "/connections/home/messages?subscribe=a");
      assert.deepEqual(await seenBy(rig, peer), ["+ a 0"]);
      const stream = await readMessages(rig.app, "ndjson", "?subscribe=a");
      assert.equal((await rig.call("DELETE", subscriptionPath("a"))).status, 204);
      assert.deepEqual(await subscribedFilters(rig), []);
      assert.deepEqual(await seenBy(rig, peer), ["+ a 0"]);
      peer.send(message("a", "x"));
      assert.equal((await stream.until(1))[0].payload, "x");
      await stream[Symbol.asyncDispose]();
      assert.deepEqual(await releaseNext(peer), ["a"]);
    },
  );

  itHolds("a POST makes what a call reads by stay", async (rig) => {
    const { peer } = await openScripted(rig);
    const answer = rig.call("GET", "/connections/home/messages?subscribe=a&wait=20");
    await grantNext(peer);
    const kept = subscribe(rig, "a", { qos: 1 });
    await grantNext(peer);
    assert.equal((await kept).status, 201);
    peer.send(message("a", "x"));
    assert.equal((await answer).body.items.length, 1);
    assert.deepEqual(await seenBy(rig, peer), ["+ a 0", "+ a 1"]);
    assert.deepEqual(await subscribedFilters(rig), ["a"]);
  });

  itHolds("what a stream reads by is made again after a reconnect without session", async (rig) => {
    const { broker } = await openScripted(rig, inTurn(accepts(), accepts()));
    await using stream = await readMessages(rig.app, "sse", "?subscribe=a&qos=1");
    (await broker.connection(1)).reset();
    const second = await broker.connection(2);
    await using events = await rig.app.events(
      "/connections/home/events?lastEventId=earliest&types=connected",
    );
    await events.next("connected");
    await events.next("connected");
    assert.deepEqual(await seenBy(rig, second), ["+ a 1"]);
    second.send(message("a", "x"));
    assert.equal((await stream.until(1))[0].payload, "x");
    assert.deepEqual(
      events.seen.filter(({ type }) => type.startsWith("subscri")),
      [],
    );
  });

  const away = {
    cleanStart: false,
    clientId: "c",
    properties: { sessionExpiryInterval: 600 },
    reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 },
  };
  const resumed = leavesSubscribing({ sessionPresent: true });

  itHolds("one that ended while the broker was away is not left in a session that it kept", async (rig) => {
    const { peer, broker } = await openScripted(rig, inTurn(accepts(), resumed), away);
    const stream = await readMessages(rig.app, "sse", "?subscribe=a&qos=1");
    await using events = await rig.app.events("/connections/home/events");
    peer.reset();
    await events.next("waiting");
    await stream[Symbol.asyncDispose]();
    assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
    assert.deepEqual(await releaseNext(await broker.connection(2)), ["a"]);
  });

  itHolds(
    "one whose SUBACK was lost with the connection is not left in a session that was kept",
    async (rig) => {
      const { peer, broker } = await openScripted(rig, inTurn(leavesSubscribing(), resumed), away);
      const call = subscribe(rig, "a");
      await peer.next("subscribe");
      peer.reset();
      assertProblem(await call, 502, "connection-lost");
      assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
      assert.deepEqual(await releaseNext(await broker.connection(2)), ["a"]);
      assert.deepEqual(await subscribedFilters(rig), []);
    },
  );

  itHolds("what nobody wants is not made again where the session was lost", async (rig) => {
    const { peer, broker } = await openScripted(rig, inTurn(accepts(), leavesSubscribing()), away);
    const stream = await readMessages(rig.app, "sse", "?subscribe=a&qos=1");
    await using events = await rig.app.events("/connections/home/events");
    peer.reset();
    await events.next("waiting");
    await stream[Symbol.asyncDispose]();
    assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
    assert.deepEqual(await seenBy(rig, await broker.connection(2)), []);
  });
});
