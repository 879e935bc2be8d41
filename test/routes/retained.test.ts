import assert from "node:assert/strict";
import { acknowledges } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import { allArrived, itMeets, payloads } from "../support/message-parties.ts";
import { message, opens } from "../support/publish-scripts.ts";
import { grantNext, openScripted, releaseNext, seenBy } from "../support/subscribe-scripts.ts";
import { describe } from "../support/test.ts";

const read = ({ call }: Pick<Rig, "call">, topic: string, query = "") =>
  call("GET", `/connections/home/retained?topic=${encodeURIComponent(topic)}${query}`);

describe("GET /connections/{id}/retained", () => {
  itHolds("422 for what would be a shared subscription, which takes messages from others", async (rig) => {
    const { peer } = await openScripted(rig);
    assertProblem(await read(rig, "$share/workers/jobs", "&wait=0.2"), 422, "invalid-request");
    const asking = { topic: "q", responseTopic: "$share/workers/jobs", timeoutMs: 200 };
    const asked = await rig.call("POST", "/connections/home/request", asking);
    assertProblem(asked, 422, "invalid-request");
    assert.deepEqual(await seenBy(rig, peer), []);
  });

  itMeets("the payload, as it is, with its content type; format=json the message", async (parties) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const properties = { contentType: "application/octet-stream;v=1" };
    await parties.say("s/1", bytes, { retain: true, properties });
    const url = `${parties.app.url}/connections/home/retained?topic=s/1`;
    const [response, ms] = await timed(fetch(url));
    assert.equal(response.status, 200);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
    assert.equal(response.headers.get("content-type"), "application/octet-stream;v=1");
    assert.equal(response.headers.get("content-disposition"), "attachment");
    assert.ok(ms < 1_500, `${ms} ms`);
    const { body } = await read(parties, "s/1", "&format=json");
    assert.deepEqual(body, {
      topic: "s/1",
      payload: bytes.toString("base64"),
      payloadEncoding: "base64",
      qos: 1,
      retain: true,
      dup: false,
      properties,
    });
    // It was the call's alone, and so was the subscription.
    assert.deepEqual(await allArrived(parties), []);
    assert.deepEqual(
      (await subscribedFilters(parties)).filter((filter) => filter === "s/1"),
      [],
    );
  });

  itMeets("none: 404 when the wait is over; none any more: 404, too", async (parties) => {
    const [none, ms] = await timed(read(parties, "s/1", "&wait=0.3"));
    assertProblem(none, 404, "no-retained-message");
    assert.ok(ms >= 290 && ms < 700, `${ms} ms`);
    const [standard, standardMs] = await timed(read(parties, "s/1"));
    assertProblem(standard, 404, "no-retained-message");
    assert.ok(standardMs >= 1_990 && standardMs < 2_500, `${standardMs} ms`);
    await parties.say("s/1", "x", { retain: true });
    assert.equal((await read(parties, "s/1")).text, "x");
    await parties.say("s/1", "", { retain: true });
    assertProblem(await read(parties, "s/1", "&wait=0.3"), 404, "no-retained-message");
  });

  itMeets("a live message is not taken for a retained one", async (parties) => {
    const call = read(parties, "s/1", "&wait=1");
    await parties.mosquitto.logged(/s\/1 \(QoS 1\)/);
    await parties.say("s/1", "live");
    assertProblem(await call, 404, "no-retained-message");
  });

  itMeets(
    "a topic that is subscribed: the subscription stays as it is, and the log gets no copy",
    async (parties) => {
      await parties.say("s/1", "kept", { retain: true });
      const options = { qos: 2, retainHandling: 2, subscriptionIdentifier: 5 };
      const before = await subscribe(parties, "s/1", options);
      assert.equal((await read(parties, "s/1")).text, "kept");
      assert.equal((await read(parties, "s/1")).text, "kept");
      const { grantedQos, ...rest } = (await parties.call("GET", subscriptionPath("s/1"))).body;
      assert.deepEqual({ ...rest, grantedQos }, before.body);
      await parties.say("s/1", "live", { qos: 2 });
      const [live, ...others] = await allArrived(parties);
      assert.deepEqual([live.payload, live.properties.subscriptionIdentifiers, others], ["live", [5], []]);
    },
  );

  itMeets("what another subscription covers is in its log as well", async (parties) => {
    await subscribe(parties, "s/#", { qos: 1 });
    await parties.say("s/1", "kept", { retain: true });
    assert.deepEqual(payloads(await allArrived(parties)), ["kept"]);
    assert.equal((await read(parties, "s/1")).text, "kept");
    const copies = (await allArrived(parties)).filter(({ topic }) => topic === "s/1");
    assert.deepEqual(payloads(copies), ["kept", "kept"]);
  });

  itMeets("ten reads at once, of one topic and of others", async (parties) => {
    for (const topic of ["a", "b"]) await parties.say(topic, `in ${topic}`, { retain: true });
    const topics = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? "a" : "b"));
    const answers = await Promise.all(topics.map((topic) => read(parties, topic)));
    assert.deepEqual(
      answers.map(({ text }) => text),
      topics.map((topic) => `in ${topic}`),
    );
    assert.deepEqual(await allArrived(parties), []);
  });

  itMeets(
    "on a 3.1.1 connection too",
    async (parties) => {
      await parties.say("s/1", "kept", { retain: true });
      const answer = await read(parties, "s/1");
      assert.equal(answer.text, "kept");
      assert.equal(answer.headers.get("content-type"), "application/octet-stream");
      await subscribe(parties, "s/1", { qos: 1 });
      assert.equal((await read(parties, "s/1")).text, "kept");
      assert.deepEqual(payloads(await allArrived(parties)), ["kept"]);
    },
    { request: { protocolVersion: "3.1.1" } },
  );

  itMeets("what it cannot take: 404, 422 with the parameter", async (parties) => {
    assertProblem(await parties.call("GET", "/connections/nobody/retained?topic=a"), 404, "not-found");
    for (const [query, parameter] of [
      ["", "topic"],
      ["topic=", "topic"],
      ["topic=a/%23", "topic"],
      ["topic=a/%2B/b", "topic"],
      ["topic=a&format=text", "format"],
      ["topic=a&wait=61", "wait"],
    ] as const) {
      const answer = await parties.call("GET", `/connections/home/retained?${query}`);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, parameter);
    }
  });

  itHolds("one read while another has not ended has its answer, and the last unsubscribes", async (rig) => {
    const { peer } = await openScripted(rig, undefined);
    const first = read(rig, "a", "&wait=20");
    await grantNext(peer);
    // The broker has nothing yet; a second call asks it again.
    const second = read(rig, "a", "&wait=20");
    await grantNext(peer);
    peer.send(message("a", "x", { retain: true }));
    assert.deepEqual([(await first).text, (await second).text], ["x", "x"]);
    assert.deepEqual(await releaseNext(peer), ["a"]);
  });

  itHolds("the second copy, for two that the first has served, is not in the log", async (rig) => {
    const { peer } = await openScripted(rig, undefined);
    const calls = [read(rig, "a", "&wait=20")];
    await grantNext(peer);
    calls.push(read(rig, "a", "&wait=20"));
    await grantNext(peer);
    // As it comes in one piece, and as it comes when the calls have ended.
    for (let copies = 0; copies < 2; copies += 1) peer.send(message("a", "x", { retain: true }));
    for (const call of calls) assert.equal((await call).text, "x");
    const { messageId = 0 } = await peer.next("unsubscribe");
    peer.send(message("a", "x", { retain: true }));
    peer.send({ cmd: "unsuback", messageId, granted: [0] });
    peer.send(message("b", "next"));
    const { body } = await rig.call("GET", "/connections/home/messages?wait=20");
    assert.deepEqual(payloads(body.items), ["next"]);
  });

  itHolds(
    "a retained message that is published meanwhile is not lost to a subscription that shows it as such",
    async (rig) => {
      const { peer } = await openScripted(
        rig,
        opens({}, (each) => acknowledges(each)),
      );
      assert.equal((await subscribe(rig, "a", { retainAsPublished: true })).status, 201);
      const call = read(rig, "a", "&wait=20");
      while (peer.received.filter(({ cmd }) => cmd === "subscribe").length < 2)
        await rig.call("POST", "/connections/home/ping");
      // The broker has no retained message; this one is live, with the flag that it was published with.
      peer.send(message("a", "live", { retain: true }));
      assert.equal((await call).text, "live");
      const { body } = await rig.call("GET", "/connections/home/messages?wait=2");
      assert.deepEqual(payloads(body.items), ["live"]);
    },
  );

  itHolds("the connection is deleted meanwhile: 410, and soon", async (rig) => {
    const { peer } = await openScripted(rig, undefined);
    const call = read(rig, "a", "&wait=20");
    await grantNext(peer);
    const [, ms] = await timed(rig.call("DELETE", "/connections/home").then(() => call));
    assertProblem(await call, 410, "connection-closed");
    assert.ok(ms < 2_000, `${ms} ms`);
  });
});
