import assert from "node:assert/strict";
import { Requests } from "../../src/connection/requests.ts";
import type { ReceivedMessage } from "../../src/mqtt/message.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { acknowledges } from "../support/broker-scripts.ts";
import { message, publishesAt } from "../support/publish-scripts.ts";
import { grantNext, openScripted, releaseNext, seenBy } from "../support/subscribe-scripts.ts";
import { describe, it } from "../support/test.ts";

const own = "own" as TopicName;
const other = "other" as TopicName;

function response(topic: TopicName, correlation?: string, retain = false): ReceivedMessage {
  const properties = correlation === undefined ? {} : { correlationData: Buffer.from(correlation) };
  return { topic, payload: Buffer.alloc(0), qos: 1, retain, dup: false, properties };
}

function expecting(correlations: Readonly<Record<string, TopicName>>) {
  const requests = new Requests();
  requests.ownTopic = own;
  const got: string[] = [];
  const ends = Object.entries(correlations).map(([correlation, topic]) =>
    requests.expect(topic, Buffer.from(correlation), () => got.push(correlation)),
  );
  return { requests, got, ends };
}

describe("Requests", () => {
  it("gives a response to whom its correlation data names, on that topic alone", () => {
    const { requests, got } = expecting({ a: own, b: own, c: other });
    assert.equal(requests.offer(response(own, "b")), true);
    assert.equal(requests.offer(response(own, "c")), true);
    assert.equal(requests.offer(response(other, "a")), false);
    assert.equal(requests.offer(response(other, "c")), false);
    assert.deepEqual(got, ["b", "c"]);
    assert.equal(requests.late, 1);
  });

  it("counts what comes on the own topic for nobody, and leaves other topics to the log", () => {
    const { requests, got, ends } = expecting({ a: own });
    for (const end of ends) end();
    assert.equal(requests.offer(response(own, "a")), true);
    assert.equal(requests.offer(response(own)), true);
    assert.equal(requests.offer(response(other, "a")), false);
    assert.deepEqual([requests.late, got], [2, []]);
  });

  it("takes correlation data for bytes, not for text", () => {
    const requests = new Requests();
    requests.ownTopic = own;
    const got: number[] = [];
    for (const byte of [0x80, 0x81, 0xff]) requests.expect(own, Buffer.from([byte]), () => got.push(byte));
    const message = response(own);
    const correlationData = Buffer.from([0x81]);
    requests.offer({ ...message, properties: { correlationData } });
    assert.deepEqual(got, [0x81]);
  });

  it("does not take a retained message for a response; on the own topic it is nobody's", () => {
    const { requests, got } = expecting({ a: own, c: other });
    requests.expectOn(other, () => got.push("next"));
    assert.equal(requests.offer(response(own, "a", true)), true);
    assert.equal(requests.offer(response(other, "c", true)), false);
    assert.deepEqual([got, requests.late], [[], 0]);
  });

  it("lets one at a time expect the next message on a topic, in order", async () => {
    const requests = new Requests();
    const order: number[] = [];
    const first = await requests.turn(other);
    const rest = [1, 2].map(async (n) => {
      const leave = await requests.turn(other);
      order.push(n);
      leave();
    });
    await requests.turn(own);
    assert.deepEqual(order, []);
    first();
    await Promise.all(rest);
    assert.deepEqual(order, [1, 2]);
    await requests.turn(other);
  });
});

describe("the own response topic", () => {
  itHolds("is subscribed once for all requests, also after a first one that was too slow", async (rig) => {
    const { peer } = await openScripted(rig);
    acknowledges(peer);
    const ask = (timeoutMs: number) =>
      rig.call("POST", "/connections/home/request", { topic: "q", timeoutMs });
    assertProblem(await ask(100), 504, "response-timeout");
    const [topic] = await grantNext(peer);
    assert.deepEqual(await releaseNext(peer), [topic]);
    const [again] = await Promise.all([grantNext(peer), ask(500)]);
    assert.deepEqual(again, [topic]);
    await ask(300);
    await ask(300);
    assert.equal((await seenBy(rig, peer)).length, 3);
    // What was given up before it could be answered has not been asked.
    assert.equal(publishesAt(peer).length, 3);
    const list = await rig.call("GET", "/connections/home/subscriptions");
    assert.deepEqual(list.body.items, []);
  });

  itHolds("begins with what the broker gave as response information", async (rig) => {
    for (const [index, [responseInformation, expected]] of (
      [
        ["tenant/7", /^tenant\/7\/[0-9a-f]{24}\/response$/],
        ["not/a/#", /^connack\/[0-9a-f]{24}\/response$/],
      ] as const
    ).entries()) {
      const broker = await rig.broker(async (peer) => {
        await peer.next("connect");
        peer.answer("disconnect", () => peer.end());
        acknowledges(peer);
        peer.send({
          cmd: "connack",
          reasonCode: 0,
          sessionPresent: false,
          properties: { responseInformation },
        });
      });
      const properties = { requestResponseInformation: true };
      const id = `home${index}`;
      assert.equal((await rig.open({ id, url: broker.url, properties })).status, 201);
      const call = rig.call("POST", `/connections/${id}/request`, { topic: "q", timeoutMs: 200 });
      const [topic] = await grantNext(await broker.connection(1));
      assert.match(topic ?? "", expected);
      assertProblem(await call, 504, "response-timeout");
    }
  });
});

describe("a response topic of the caller's", () => {
  itHolds("its call is answered before the broker has unsubscribed it", async (rig) => {
    const { peer } = await openScripted(rig);
    const body = { topic: "q", responseTopic: "a", qos: 0, timeoutMs: 5_000 };
    const call = rig.call("POST", "/connections/home/request", body);
    await grantNext(peer);
    const { properties } = await peer.next("publish");
    const correlationData = properties?.correlationData ?? Buffer.alloc(0);
    peer.send(message("a", "yes", { properties: { correlationData } }));
    assert.equal((await call).body.message.payload, "yes");
    assert.deepEqual(await releaseNext(peer), ["a"]);
  });
});
