import assert from "node:assert/strict";
import { publishesAt, acknowledgesWith, opens } from "../support/publish-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publish, publishJson } from "../support/message-calls.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

/** Topic names that no broker may see (MQTT 5 §4.7, §1.5.4). */
const wrong: readonly (readonly [what: string, topic: string])[] = [
  ["an empty topic", ""],
  ["a topic with +", "a/+"],
  ["a topic that is #", "#"],
  ["a topic with # at its end", "a/b#"],
  ["a topic with NUL", "a\0b"],
  ["a topic of 65,536 bytes", "x".repeat(65_536)],
  ["a topic of 65,536 bytes in fewer characters", "é".repeat(32_768)],
];

async function open(rig: Rig): Promise<ScriptedPeer> {
  const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
  const opened = await rig.open({ id: "home", url: broker.url });
  assert.equal(opened.status, 201, opened.text);
  return broker.connection(1);
}

/** A publish that is fine comes behind whatever was sent, so that the broker has seen that by now. */
async function assertOnlyThisArrives(rig: Rig, peer: ScriptedPeer): Promise<void> {
  const answer = await publish(rig, "fine", "last", "&qos=1");
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    publishesAt(peer).map(({ topic }) => topic),
    ["fine"],
  );
  assert.equal((await rig.call("GET", "/connections/home")).body.counters.connects, 1);
}

describe("S30: a publish that may not be sent", () => {
  for (const qos of [0, 1, 2]) {
    itHolds(`S30: wrong topics as JSON at QoS ${qos} are 422, and the broker sees none`, async (rig) => {
      const peer = await open(rig);
      for (const [what, topic] of wrong) {
        const answer = await publishJson(rig, { topic, payload: "x", qos });
        assert.equal(answer.status, 422, `${what}: ${answer.text.slice(0, 500)}`);
        assertProblem(answer, 422, "invalid-request");
        assert.ok(answer.body.errors.some(({ pointer }: { pointer: string }) => pointer.includes("topic")));
        assert.ok(answer.text.length < 4_000, `${what}: the answer repeats the topic`);
      }
      await assertOnlyThisArrives(rig, peer);
    });
  }

  itHolds("S30: wrong topics in the query are 422, and the broker sees none", async (rig) => {
    const peer = await open(rig);
    for (const [what, topic] of wrong) {
      // A request line of 64 KiB is more than our HTTP servers read.
      if (topic.length > 10_000) continue;
      const answer = await publish(rig, topic, "x", "&qos=1");
      assert.equal(answer.status, 422, `${what}: ${answer.text}`);
      assertProblem(answer, 422, "invalid-request");
    }
    const without = await rig.call("POST", "/connections/home/publish?qos=1", "x", text);
    assert.ok([415, 422].includes(without.status), without.text);
    await assertOnlyThisArrives(rig, peer);
  });

  itHolds("S30: bytes in the query that are not UTF-8 are not made into another topic", async (rig) => {
    const peer = await open(rig);
    for (const topic of ["%FF", "a%ED%A0%80", "%C3"]) {
      const answer = await rig.call("POST", `/connections/home/publish?topic=${topic}&qos=1`, "x", text);
      assert.ok(answer.status >= 400 && answer.status < 500, `${topic}: ${answer.text}`);
    }
    await assertOnlyThisArrives(rig, peer);
  });

  itHolds("S30: a request line that is too long is refused, and nothing is published", async (rig) => {
    const peer = await open(rig);
    const path = `/connections/home/publish?topic=${"x".repeat(65_536)}&qos=1`;
    const response = await fetch(`${rig.app.url}${path}`, { method: "POST", body: "x" }).catch(() => null);
    await response?.text();
    // Where the server reads it, the answer is ours; else it says so, or hangs up.
    assert.ok(response === null || [414, 422, 431].includes(response.status), String(response?.status));
    await assertOnlyThisArrives(rig, peer);
  });

  itHolds("S30: a lone surrogate in JSON is 422 in the topic and wherever MQTT wants UTF-8", async (rig) => {
    const peer = await open(rig);
    const lone = String.raw`\ud800`;
    const bodies = [
      `{"topic":"a${lone}","payload":"x","qos":1}`,
      `{"topic":"a","payload":"x","qos":1,"properties":{"contentType":"${lone}"}}`,
      `{"topic":"a","payload":"x","qos":1,"properties":{"responseTopic":"${lone}"}}`,
      `{"topic":"a","payload":"x","qos":1,"properties":{"userProperties":{"a":"${lone}"}}}`,
      `{"topic":"a","payload":"x","qos":1,"properties":{"userProperties":{"${lone}":"a"}}}`,
    ];
    for (const body of bodies) assertProblem(await publishJson(rig, body), 422, "invalid-request");
    await assertOnlyThisArrives(rig, peer);
  });

  itHolds("S30: a text payload with a lone surrogate is 422, not another text", async (rig) => {
    const peer = await open(rig);
    const body = String.raw`{"topic":"a","payload":"x\ud800y","qos":1}`;
    assertProblem(await publishJson(rig, body), 422, "invalid-request");
    await assertOnlyThisArrives(rig, peer);
  });

  itHolds(
    "S30: options that do not exist or do not fit are 422, and the broker sees nothing",
    async (rig) => {
      const peer = await open(rig);
      for (const query of ["&qos=3", "&qos=-1", "&qos=1.5", "&qos=", "&qos=one", "&retain=maybe", "&qoS=1"])
        assertProblem(await publish(rig, "a", "x", query), 422, "invalid-request");
      const fields = [
        { qos: 3 },
        { qos: "1" },
        { retain: "true" },
        { payload: 7 },
        { payload: "*", payloadEncoding: "base64" },
        { payload: "eA", payloadEncoding: "base64" },
        { payloadEncoding: "hex" },
        { topicName: "a" },
        { properties: { topicAlias: 0 } },
        { properties: { topicAlias: 65_536 } },
        { properties: { payloadFormatIndicator: 2 } },
        { properties: { messageExpiryInterval: -1 } },
        { properties: { messageExpiryInterval: 4_294_967_296 } },
        { properties: { responseTopic: "a/+" } },
        { properties: { subscriptionIdentifier: 1 } },
        { properties: { contentType: "x".repeat(65_536) } },
      ];
      for (const field of fields) {
        const answer = await publishJson(rig, { topic: "a", payload: "x", qos: 1, ...field });
        assert.equal(answer.status, 422, `${JSON.stringify(field).slice(0, 100)}: ${answer.text}`);
      }
      await assertOnlyThisArrives(rig, peer);
    },
  );

  itHolds("S30: what version 3.1.1 does not have is 422, not dropped", async (rig) => {
    const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
    await rig.open({ id: "home", url: broker.url, protocolVersion: "3.1.1" });
    const message = { topic: "a", payload: "x", qos: 1, properties: { contentType: "text/plain" } };
    assertProblem(await publishJson(rig, message), 422, "invalid-request");
    assertProblem(await publish(rig, "a", "x", "&qos=1&messageExpiryInterval=1"), 422, "invalid-request");
    await assertOnlyThisArrives(rig, await broker.connection(1));
  });

  itHolds("S30: in an array, only what is wrong fails, and each has its own result", async (rig) => {
    const peer = await open(rig);
    const topics = ["one", "a/+", "two", "", "three"];
    const answer = await publishJson(
      rig,
      JSON.stringify(topics.map((topic) => ({ topic, payload: "x", qos: 1 }))),
    );
    assert.equal(answer.status, 207, answer.text);
    assert.deepEqual(
      answer.body.results.map(({ status }: { status: number }) => status),
      [200, 422, 200, 422, 200],
    );
    assert.deepEqual(
      publishesAt(peer)
        .map(({ topic }) => topic)
        .toSorted(),
      ["one", "three", "two"],
    );
  });
});

const text = { "content-type": "text/plain" };
