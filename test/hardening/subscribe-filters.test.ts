import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

/** Filters that the standard allows (MQTT 5 §4.7, §4.8.2), and mosquitto too. */
const valid: readonly string[] = [
  // §4.7.1.1 and §4.7.3: one character is enough, separators anywhere, spaces and case count.
  "a",
  "/",
  "//",
  "///",
  "/a",
  "a/",
  "a//b",
  "sport/tennis/player1",
  "Accounts payable",
  " ",
  " / ",
  "ACCOUNTS",
  "a*b/c?",
  "%2F",
  "a%00b",
  ".",
  "..",
  "a/../b",
  "a?b=c&d",
  "漢字/ü/😀",
  "\uFEFF",
  "a\uFEFF/b",
  // §4.7.1.2
  "#",
  "/#",
  "//#",
  "a/#",
  "sport/tennis/player1/#",
  // §4.7.1.3
  "+",
  "/+",
  "+/",
  "/+/",
  "+/+",
  "+/+/+",
  "+/#",
  "/+/#",
  "+/tennis/#",
  "sport/+/player1",
  "a/+/b/+/c/#",
  // §4.7.2
  "$",
  "$SYS/#",
  "$SYS/+/uptime",
  "$data/a",
  // §4.8.2
  "$share/g/a",
  "$share/g/#",
  "$share/g/+",
  "$share/g/+/a",
  "$share/g/a/b/#",
  "$share/g//a",
  "$share/group name/sport/+",
  "$share/$share/a",
  "$shared/g/a",
  "$SHARE/g/a",
  "a/$share/g",
];

/** Allowed by the standard as well; this broker takes another view. */
const validElsewhere: readonly string[] = [
  "a\u0001\u007Fb",
  "a\r\nb",
  "\u0085",
  "\uFFFF\u{1FFFE}",
  "\uFDD0",
  "$share",
  "$share/g//",
  "x".repeat(65_535),
  `${"é".repeat(32_767)}a`,
  "/".repeat(65_535),
  "+/".repeat(32_767),
];

/** Filters that nobody may send. */
const invalid: readonly string[] = [
  "",
  "a\0b",
  "\0",
  "x".repeat(65_536),
  "é".repeat(32_768),
  "##",
  "#/",
  "#/a",
  "a/#/b",
  "#/#",
  "/#/",
  "a#",
  "#a",
  "sport/tennis#",
  "sport/tennis/#/ranking",
  "a/b#/c",
  "++",
  "a+",
  "+a",
  "sport+",
  "a/b+/c",
  "a/+b",
  "+#",
  "#+",
  "a/+#",
  "$SYS#",
  "$share/",
  "$share//",
  "$share//a",
  "$share/g",
  "$share/g/",
  "$share/+/a",
  "$share/#/a",
  "$share/g+/a",
  "$share/g#/a",
  "$share/g/a#",
  "$share/g/#/a",
  "$share/g/+a",
];

const show = (filter: string) => JSON.stringify(filter.length > 40 ? `${filter.slice(0, 40)}…` : filter);

/** Subscribes, reads and unsubscribes each by itself. */
async function assertTaken(rig: Rig, filters: readonly string[]): Promise<void> {
  const left: string[] = [];
  for (const topicFilter of filters) {
    const answer = await subscribe(rig, topicFilter, { qos: 1 });
    assert.equal(answer.status, 201, `${show(topicFilter)}: ${answer.text.slice(0, 500)}`);
    assert.deepEqual(
      [answer.body.topicFilter, answer.body.qos, answer.body.grantedQos, answer.body.reasonCode],
      [topicFilter, 1, 1, 1],
    );
    assert.deepEqual((await subscribedFilters(rig)).toSorted(), [...left, topicFilter].toSorted());
    // Some cannot be named in a path: URLs take dots for steps (WHATWG URL §4.4), and our HTTP servers read no longer lines.
    if (topicFilter === "." || topicFilter === ".." || topicFilter.length > 2_000) left.push(topicFilter);
    else await assertRemoved(rig, topicFilter);
  }
  assert.deepEqual((await subscribedFilters(rig)).toSorted(), left.toSorted());
}

async function assertRemoved(rig: Rig, topicFilter: string): Promise<void> {
  const read = await rig.call("GET", subscriptionPath(topicFilter));
  assert.equal(read.status, 200, `${show(topicFilter)}: ${read.text}`);
  assert.equal(read.body.topicFilter, topicFilter);
  const removed = await rig.call("DELETE", subscriptionPath(topicFilter));
  assert.equal(removed.status, 204, `${show(topicFilter)}: ${removed.text}`);
}

async function open(rig: Rig, url: string, request: object = {}): Promise<void> {
  const opened = await rig.open({ id: "home", url, ...request });
  assert.equal(opened.status, 201, opened.text);
}

describe("S31: topic filters", () => {
  itHolds(
    `S31: ${valid.length} valid ones are taken by a real broker`,
    async (rig) => {
      await using broker = await startMosquitto();
      await open(rig, broker.url);
      await assertTaken(rig, valid);
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.connects, 1);
    },
    { skip: needs("mosquitto") },
  );

  itHolds(`S31: ${validElsewhere.length} more are valid, though not every broker takes them`, async (rig) => {
    const broker = await rig.broker(accepts());
    await open(rig, broker.url);
    await assertTaken(rig, validElsewhere);
    const arrived = broker.peers.flatMap((peer) =>
      peer.received.flatMap((packet) =>
        packet.cmd === "subscribe" ? packet.subscriptions.map(({ topic }) => topic) : [],
      ),
    );
    assert.deepEqual(arrived, validElsewhere);
  });

  itHolds(`S31: ${invalid.length} invalid ones are 422, and the broker sees none`, async (rig) => {
    const broker = await rig.broker(accepts());
    await open(rig, broker.url);
    for (const topicFilter of invalid) {
      const answer = await subscribe(rig, topicFilter);
      assert.equal(answer.status, 422, `${show(topicFilter)}: ${answer.text.slice(0, 500)}`);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, "/topicFilter");
      assert.ok(answer.text.length < 4_000, `${show(topicFilter)}: the answer repeats the filter`);
    }
    assert.equal((await subscribe(rig, "fine")).status, 201);
    const peer = await broker.connection(1);
    assert.equal(peer.received.filter(({ cmd }) => cmd === "subscribe").length, 1);
  });

  itHolds("S31: invalid ones are 422 for the length of a call as well", async (rig) => {
    const broker = await rig.broker(accepts());
    await open(rig, broker.url);
    for (const filter of invalid.filter(({ length }) => length < 1_000)) {
      const path = `/connections/home/messages?subscribe=${encodeURIComponent(filter)}`;
      for (const accept of ["application/json", "text/event-stream", "application/x-ndjson"]) {
        const answer = await rig.call("GET", path, undefined, { accept });
        assert.equal(answer.status, 422, `${show(filter)}: ${answer.text}`);
      }
    }
    const peer = await broker.connection(1);
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    assert.ok(!peer.received.some(({ cmd }) => cmd === "subscribe"));
  });

  itHolds("S31: options that do not fit are 422", async (rig) => {
    const broker = await rig.broker(accepts());
    await open(rig, broker.url);
    const options = [
      { qos: 3 },
      { qos: "1" },
      { noLocal: "yes" },
      { retainHandling: 3 },
      { subscriptionIdentifier: 0 },
      { subscriptionIdentifier: 268_435_456 },
      { topic: "a" },
    ];
    for (const option of options) assertProblem(await subscribe(rig, "a", option), 422, "invalid-request");
    // MQTT-3.8.3-4
    assertProblem(await subscribe(rig, "$share/g/a", { noLocal: true }), 422, "invalid-request");
    assertProblem(await rig.call("POST", "/connections/home/subscriptions", {}), 422, "invalid-request");
    const peer = await broker.connection(1);
    assert.ok(!peer.received.some(({ cmd }) => cmd === "subscribe"));
  });

  itHolds(
    "S31: options that version 3.1.1 does not have are 422, and the filters are the same",
    async (rig) => {
      const broker = await rig.broker(accepts());
      await open(rig, broker.url, { protocolVersion: "3.1.1" });
      for (const option of [{ noLocal: true }, { retainHandling: 1 }, { subscriptionIdentifier: 1 }])
        assertProblem(await subscribe(rig, "a", option), 422, "invalid-request");
      assertProblem(await subscribe(rig, "a/#/b"), 422, "invalid-request");
      await assertTaken(rig, ["a/+/#", "$share/g/a", "漢字/ü/😀"]);
    },
  );
});
