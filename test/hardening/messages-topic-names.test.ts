import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { messages, publish, publishJson, subscribe } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

/** Legal topic names (MQTT 5 §1.5.4, §4.7) that mosquitto takes too. */
const ordinary: readonly string[] = [
  "a",
  " ",
  "  a  ",
  "/",
  "//",
  "///",
  "/a",
  "a/",
  "a//b",
  "$",
  "$a",
  "$data/a",
  "a/$b",
  "\uFEFF",
  "\uFEFFa",
  "a\uFEFF",
  "漢字/ü/😀",
  "\u{10FFFD}",
  "e\u0301",
  "é",
  "\u200d\u200b\u00ad",
  "\u202eabc",
  "\u2028",
  "%2F%00",
  "a?b&c=d;e",
  ".",
  "..",
  "../../a",
  `"'\\`,
  "-",
  "*",
  "__proto__",
  "constructor",
  "x".repeat(65_535),
  `${"é".repeat(32_767)}a`,
  "😀".repeat(16_383),
];

/** As legal, but the standard advises against them (§1.5.4), and mosquitto closes the connection. */
const advisedAgainst: readonly string[] = [
  "\u0001",
  "a\tb",
  "a\r\nb",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u009f",
  "\uFFFE",
  "\uFFFF",
  "\uFDD0",
  "\uFDEF",
  "\u{1FFFE}",
  "\u{10FFFF}",
  "/".repeat(65_535),
];

const show = (topic: string) => JSON.stringify(topic.length > 40 ? `${topic.slice(0, 40)}…` : topic);

/** Publishes to each, in JSON and, where a request line can hold it, in the query; what comes back is given. */
async function publishAll(rig: Rig, topics: readonly string[]): Promise<string[]> {
  const sent: string[] = [];
  for (const topic of topics) {
    const answer = await publishJson(rig, { topic, payload: "x", qos: 1 });
    assert.equal(answer.status, 200, `${show(topic)}: ${answer.text.slice(0, 500)}`);
    sent.push(topic);
    if (encodeURIComponent(topic).length > 4_000) continue;
    const raw = await publish(rig, topic, "x", "&qos=1");
    assert.equal(raw.status, 200, `${show(topic)}: ${raw.text}`);
    sent.push(topic);
  }
  return sent;
}

describe("topic names with every oddity that UTF-8 and MQTT allow", () => {
  itHolds(
    "topic names go to a real broker and come back character by character",
    async (rig) => {
      await using broker = await startMosquitto();
      await rig.open({ id: "home", url: broker.url, log: { messages: 1_000, bytes: 64 * 1_048_576 } });
      for (const topicFilter of ["#", ...ordinary.filter((topic) => topic.startsWith("$"))]) {
        const answer = await subscribe(rig, topicFilter, { qos: 1 });
        assert.equal(answer.status, 201, `${topicFilter}: ${answer.text}`);
      }
      const sent = await publishAll(rig, ordinary);
      const back = (await messages(rig, sent.length)).map(({ topic }) => topic);
      assert.deepEqual(back.map(show), sent.map(show));
      for (const [index, topic] of sent.entries()) assert.ok(back[index] === topic, show(topic));
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.connects, 1);
    },
    { skip: needs("mosquitto") },
  );

  itHolds("those that the standard advises against go and come as well", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("publish", ({ messageId = 0, topic, payload }) => {
        peer.send({ cmd: "puback", messageId });
        peer.send({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false });
      });
    });
    await rig.open({ id: "home", url: broker.url, log: { messages: 1_000, bytes: 64 * 1_048_576 } });
    const sent = await publishAll(rig, [...advisedAgainst, ...ordinary]);
    const peer = await broker.connection(1);
    const arrived = publishesAt(peer).map(({ topic }) => topic);
    const back = (await messages(rig, sent.length)).map(({ topic }) => topic);
    for (const [index, topic] of sent.entries()) {
      assert.ok(arrived[index] === topic, `to the broker: ${show(topic)}`);
      assert.ok(back[index] === topic, `from the broker: ${show(topic)}`);
    }
    assert.equal((await rig.call("GET", "/connections/home")).body.counters.connects, 1);
  });

  itHolds("topic= chooses by a filter, also among odd names", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    const topics = ["/", "//", "$a/b", "a/b", "\uFEFF", "\uFEFF/x", "a\nb", "A/b", "a/b/"];
    for (const topic of topics)
      peer.send({ cmd: "publish", topic, payload: "x", qos: 0, dup: false, retain: false });
    await messages(rig, topics.length);
    const chosen: readonly (readonly [filter: string, topics: readonly string[]])[] = [
      ["#", topics.filter((topic) => !topic.startsWith("$"))],
      ["+/+", ["/", "a/b", "\uFEFF/x", "A/b"]],
      ["$a/#", ["$a/b"]],
      ["\uFEFF", ["\uFEFF"]],
      ["\uFEFF/#", ["\uFEFF", "\uFEFF/x"]],
      ["a\nb", ["a\nb"]],
      ["a/+/#", ["a/b", "a/b/"]],
      ["a/b", ["a/b"]],
      ["none", []],
    ];
    for (const [filter, wanted] of chosen) {
      const path = `/connections/home/messages?topic=${encodeURIComponent(filter)}`;
      const { body, text } = await rig.call("GET", path);
      assert.deepEqual(
        body.items?.map(({ topic }: { topic: string }) => topic),
        wanted,
        `${show(filter)} ${text}`,
      );
    }
    const wrong = await rig.call("GET", `/connections/home/messages?topic=${encodeURIComponent("a/#/b")}`);
    assert.equal(wrong.status, 422, wrong.text);
  });
});
