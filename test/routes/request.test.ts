import assert from "node:assert/strict";
import { accepts, acknowledges } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { allArrived, itMeets, payloads } from "../support/message-parties.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { opens, publishesAt } from "../support/publish-scripts.ts";
import { respondOn } from "../support/responder.ts";
import { openScripted, seenBy } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const request = ({ call }: Pick<Rig, "call">, body: object, query = "", headers?: Record<string, string>) =>
  call("POST", `/connections/home/request${query}`, { topic: "q", ...body }, headers);

const deaf = opens({}, (peer) => acknowledges(peer));

describe("POST /connections/{id}/request", () => {
  itMeets(
    "publishes with a response topic and correlation data, and answers with the response",
    async (parties) => {
      const responder = await respondOn(parties.other, "q");
      const properties = { contentType: "text/plain", userProperties: { a: "b" }, messageExpiryInterval: 30 };
      const call = request(parties, { payload: "what?", properties });
      const [asked] = await responder.until(1);
      assert.ok(asked);
      assert.equal(asked.payload, "what?");
      assert.match(asked.responseTopic, /^connack\/[0-9a-f]{24}\/response$/);
      assert.ok(asked.correlationData.length > 0);
      assert.equal(asked.packet.qos, 1);
      assert.equal(asked.packet.properties?.contentType, "text/plain");
      assert.deepEqual({ ...asked.packet.properties?.userProperties }, { a: "b" });
      await responder.respond(asked, '{"so":1}', { contentType: "application/json" });
      const { status, body } = await call;
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(body), ["message", "ms"]);
      assert.ok(body.ms > 0);
      const { properties: told, ...message } = body.message;
      assert.deepEqual(message, {
        topic: asked.responseTopic,
        payload: '{"so":1}',
        payloadEncoding: "utf8",
        qos: 1,
        retain: false,
        dup: false,
      });
      assert.deepEqual(told, {
        contentType: "application/json",
        correlationData: asked.correlationData.toString(),
      });
      // The answer belongs to the call alone.
      assert.deepEqual(await allArrived(parties), []);
    },
  );

  itMeets(
    "200 at once, answered in another order: each call has its own response, by one subscription",
    async (parties) => {
      const count = 200;
      const responder = await respondOn(parties.other, "q");
      const numbers = Array.from({ length: count }, (_, n) => n);
      const calls = numbers.map((n) => request(parties, { payload: n, payloadEncoding: "json" }));
      const asked = [...(await responder.until(count))];
      assert.equal(new Set(asked.map(({ responseTopic }) => responseTopic)).size, 1);
      assert.equal(new Set(asked.map(({ correlationData }) => correlationData.toString())).size, count);
      const shuffled = asked.map((_, index) => asked[(index * 77 + 13) % count]!);
      await Promise.all(shuffled.map((each) => responder.respond(each, `to ${each.payload}`)));
      for (const [n, call] of calls.entries()) assert.equal((await call).body.message.payload, `to ${n}`);
      const subscribes = parties.mosquitto.log().match(/^\S+\s+connack\/\S+ \(QoS 1\)$/gm);
      assert.equal(subscribes?.length, 1, parties.mosquitto.log().slice(0, 2_000));
    },
  );

  itMeets("?raw: the response's payload with its content type, as an attachment", async (parties) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const responder = await respondOn(parties.other, "q");
    const call = fetch(`${parties.app.url}/connections/home/request?raw`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: "q" }),
    });
    const [asked] = await responder.until(1);
    await responder.respond(asked!, bytes, { contentType: "image/png" });
    const response = await call;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/png");
    assert.equal(response.headers.get("content-disposition"), "attachment");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
  });

  itMeets("what the responder calls an error is a response as any", async (parties) => {
    await respondOn(parties.other, "q", () => '{"error":"no such thing"}');
    const { status, body } = await request(parties, {});
    assert.deepEqual([status, body.message.payload], [200, '{"error":"no such thing"}']);
  });

  itMeets(
    "wrong correlation data, none, or another topic do not answer; what is late is counted",
    async (parties) => {
      const responder = await respondOn(parties.other, "q");
      const call = request(parties, { timeoutMs: 600 });
      const [asked] = await responder.until(1);
      assert.ok(asked);
      await responder.respond(asked, "wrong", { correlationData: Buffer.from("wrong") });
      await responder.respond({ ...asked, responseTopic: "elsewhere" }, "elsewhere");
      await parties.say(asked.responseTopic, "none");
      assertProblem(await call, 504, "response-timeout");
      await responder.respond(asked, "late");
      const view = await viewWhen(parties.app, "home", ({ counters }) => counters.lateResponses === 3);
      assert.equal(view.state, "connected");
      assert.deepEqual(await allArrived(parties), []);
      // And the next one is as the first.
      const next = request(parties, {});
      const [, second] = await responder.until(2);
      assert.equal(second?.responseTopic, asked.responseTopic);
      await responder.respond(second!, "in time");
      assert.equal((await next).body.message.payload, "in time");
    },
  );

  itMeets("nobody subscribed: 502 at once, by the broker's word", async (parties) => {
    const [answer, ms] = await timed(request(parties, { topic: "nobody" }));
    assertProblem(answer, 502, "no-responder");
    assert.ok(ms < 2_000, `${ms} ms`);
  });

  itMeets(
    "a response topic of the caller's: subscribed for the call, and free afterwards",
    async (parties) => {
      const responder = await respondOn(parties.other, "q");
      const call = request(parties, { responseTopic: "mine/1" });
      const [asked] = await responder.until(1);
      assert.equal(asked?.responseTopic, "mine/1");
      await parties.say("mine/1", "without correlation");
      await responder.respond(asked, "yes");
      assert.equal((await call).body.message.payload, "yes");
      await parties.mosquitto.logged(/Received UNSUBSCRIBE/);
      await parties.say("mine/1", "after");
      // It is a topic like any other, so that what came on it is in the log.
      assert.deepEqual(payloads(await allArrived(parties)), ["without correlation", "yes"]);
    },
  );

  itMeets("Idempotency-Key: asked once, answered twice", async (parties) => {
    let count = 0;
    await respondOn(parties.other, "q", () => `answer ${(count += 1)}`);
    const headers = { "idempotency-key": "k1" };
    const first = await request(parties, {}, "", headers);
    const second = await request(parties, {}, "", headers);
    assert.deepEqual([second.status, second.text], [200, first.text]);
    assert.equal(second.headers.get("idempotent-replayed"), "true");
    assert.equal(count, 1);
    assertProblem(await request(parties, { payload: "x" }, "", headers), 422, "idempotency-key-reused");
  });

  itMeets(
    "after a restart of the broker it works as before, on the same response topic",
    async (parties) => {
      await using events = await parties.app.events("/connections/home/events");
      await respondOn(parties.other, "q", ({ responseTopic }) => responseTopic);
      const before = await request(parties, {});
      await parties.mosquitto.stop("SIGKILL");
      await events.next("disconnected");
      await parties.mosquitto.start();
      await events.next("connected");
      await using other = await connectClient(parties.mosquitto.url, { protocolVersion: 5 });
      await respondOn(other, "q", ({ responseTopic }) => responseTopic);
      const after = await request(parties, { timeoutMs: 20_000 });
      assert.deepEqual([after.status, after.body.message.payload], [200, before.body.message.payload]);
    },
    { request: { reconnect: { minDelayMs: 20, maxDelayMs: 100 } } },
  );
});

describe("POST /connections/{id}/request: what ends it without a response", () => {
  itHolds("the time that it was given, and not 100 ms more", async (rig) => {
    await openScripted(rig, deaf);
    for (const timeoutMs of [150, 500, 1_000]) {
      const [answer, ms] = await timed(request(rig, { timeoutMs }));
      assertProblem(answer, 504, "response-timeout");
      assert.ok(ms >= timeoutMs - 5 && ms <= timeoutMs + 100, `${ms} ms instead of ${timeoutMs}`);
    }
  });

  itHolds("a broker that refuses the publish: its problem", async (rig) => {
    await openScripted(
      rig,
      opens({}, (peer) => acknowledges(peer, { puback: 0x87, pubrec: 0x97 })),
    );
    assertProblem(await request(rig, {}), 403, "broker-not-authorized");
    assertProblem(await request(rig, { qos: 2 }), 429, "broker-quota-exceeded");
  });

  itHolds("a broker that refuses the response topic: its problem, and nothing is published", async (rig) => {
    const { peer } = await openScripted(rig, accepts({}, { granted: () => 0x87 }));
    assertProblem(await request(rig, {}), 403, "broker-not-authorized");
    await seenBy(rig, peer);
    assert.deepEqual(publishesAt(peer), []);
  });

  itHolds("what cannot be asked: 404, 413, 422 with the field", async (rig) => {
    const { peer } = await openScripted(rig, deaf);
    assertProblem(await rig.call("POST", "/connections/nobody/request", { topic: "q" }), 404, "not-found");
    for (const [body, pointer] of [
      [{ topic: "a/#" }, "/topic"],
      [{ timeoutMs: 0 }, "/timeoutMs"],
      [{ timeoutMs: 60_001 }, "/timeoutMs"],
      [{ timeoutMs: 1.5 }, "/timeoutMs"],
      [{ timeoutMs: "1000" }, "/timeoutMs"],
      [{ responseTopic: "a/+" }, "/responseTopic"],
      [{ properties: { correlationData: "x" } }, "/properties/correlationData"],
      [{ properties: { responseTopic: "x" } }, "/properties/responseTopic"],
      [{ payload: 1 }, "/payload"],
      [{ qos: 3 }, "/qos"],
    ] as const) {
      const answer = await request(rig, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, pointer);
    }
    assertProblem(await request(rig, { payload: "x".repeat(1_048_577) }), 413, "content-too-large");
    assert.deepEqual(await seenBy(rig, peer), []);
  });

  itHolds("the connection is deleted meanwhile: the call is answered, and soon", async (rig) => {
    const { peer } = await openScripted(rig, deaf);
    const call = request(rig, { timeoutMs: 20_000 });
    while (publishesAt(peer).length === 0) await rig.call("POST", "/connections/home/ping");
    const [, ms] = await timed(rig.call("DELETE", "/connections/home").then(() => call));
    assertProblem(await call, 410, "connection-closed");
    assert.ok(ms < 2_000, `${ms} ms`);
  });
});
