import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { type MessageView, messages, readMessages, subscribe } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { accepts } from "../support/broker-scripts.ts";
import { message } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const MiB = 1_048_576;
const retained = 10_000;
const kept = 100;

/** Where an id stands in its log. */
const sequence = ({ id }: MessageView): number => Number(/(\d+)$/.exec(id)?.[1]);

function assertAscending(items: readonly MessageView[]): void {
  for (const [index, item] of items.entries()) {
    const before = items[index - 1];
    if (before !== undefined) assert.ok(sequence(item) > sequence(before), `${before.id}, then ${item.id}`);
  }
}

/** The payloads of all retained messages, in the order in which the broker sends them. */
async function deliveryOrder(url: string): Promise<string[]> {
  await using client = await connectClient(url, { protocolVersion: 5 });
  const order: string[] = [];
  const all = new Promise<void>((resolve) => {
    client.on("message", (_, payload) => {
      order.push(String(payload));
      if (order.length === retained) resolve();
    });
  });
  await client.subscribeAsync("r/#", { qos: 0 });
  await all;
  return order;
}

async function retain(url: string): Promise<void> {
  await using client = await connectClient(url, { protocolVersion: 5 });
  for (let n = 0; n < retained; n += 1) client.publish(`r/${n % 100}/${n}`, `${n}`, { qos: 0, retain: true });
  await client.publishAsync("done", "x", { qos: 1 });
}

describe("messages that come faster than a log of 100 can keep", () => {
  itHolds(
    "10,000 retained ones at subscribe: a gap is told, and the newest 100 are there, in order and once",
    async (rig) => {
      await using broker = await startMosquitto();
      await retain(broker.url);
      const order = await deliveryOrder(broker.url);
      const opened = await rig.open({ id: "home", url: broker.url, log: { messages: kept } });
      assert.equal(opened.status, 201, opened.text);
      await using publisher = await connectClient(broker.url, { protocolVersion: 5 });
      await subscribe(rig, "first", { qos: 1 });
      await publisher.publishAsync("first", "first", { qos: 1 });
      const [first] = await messages(rig, 1);
      await using live = await readMessages(rig.app, "sse");
      const before = process.memoryUsage().rss;
      assert.equal((await subscribe(rig, "r/#", { qos: 0 })).status, 201);
      const view = await viewWhen(rig.app, "home", ({ counters }) => counters.messagesIn === retained + 1);
      const grown = (process.memoryUsage().rss - before) / MiB;
      process.stdout.write(`${retained} retained messages: memory grew by ${grown.toFixed(1)} MiB\n`);
      assert.ok(grown < 64, `memory grew by ${grown} MiB`);
      assert.deepEqual([view.state, view.counters.connects], ["connected", 1]);
      const newest = order.slice(-kept);

      const { body } = await rig.call("GET", `/connections/home/messages?after=${first.id}&limit=1000`);
      assert.equal(body.gap?.requested, first.id, JSON.stringify(body).slice(0, 300));
      assert.equal(body.gap.reason, "expired");
      assert.equal(body.gap.oldest, body.items[0].id);
      assert.deepEqual(
        body.items.map(({ payload }: MessageView) => payload),
        newest,
      );
      assertAscending(body.items);
      for (const { retain: flag } of body.items) assert.equal(flag, true);
      // From there on nothing is missing.
      const more = await rig.call("GET", `/connections/home/messages?after=${body.next}`);
      assert.deepEqual([more.body.items, more.body.gap], [[], undefined]);

      for (const format of ["sse", "ndjson"] as const) {
        const stream = await readMessages(rig.app, format, "", { "last-event-id": first.id });
        await using _ = stream;
        const resumed = await stream.until(kept);
        assert.deepEqual(
          resumed.map(({ payload }) => payload),
          newest,
        );
        const [gap, ...others] = stream.seen.filter(({ type }) => type === "gap");
        assert.deepEqual([gap?.requested, gap?.reason, others], [first.id, "expired", []]);
        assert.ok(stream.seen.indexOf(gap) < stream.seen.indexOf(resumed[0]), "the gap is not in front");
      }

      // The one that was there all the while has all, or is told at which point it has not.
      const told = () => live.seen.some(({ type }) => type === "gap");
      if (!told()) await Promise.race([live.until(retained), live.ended]);
      const seen = live.seen.filter(({ type }) => type === "message");
      process.stdout.write(`the live reader has ${seen.length}, and ${told() ? "a" : "no"} gap\n`);
      assert.ok(told() || seen.length === retained, `${seen.length} without a gap`);
      assertAscending(seen);
      let at = -1;
      for (const { payload } of seen) {
        const next = order.indexOf(payload, at + 1);
        assert.ok(next > at, `${payload} is out of order, or there twice`);
        at = next;
      }
    },
    { skip: needs("mosquitto"), timeout: 60_000, unchecked: "memory is measured" },
  );

  itHolds("the bytes of a log are bounded as well, and what goes is told", async (rig) => {
    const broker = await rig.broker(accepts());
    const log = { messages: 1_000, bytes: 100_000 };
    await rig.open({ id: "home", url: broker.url, log });
    const peer = await broker.connection(1);
    peer.send(message("t", "first"));
    const [first] = await messages(rig, 1);
    for (let n = 0; n < 50; n += 1) peer.send(message("t", `${n}`.padEnd(10_000)));
    await viewWhen(rig.app, "home", ({ counters }) => counters.messagesIn === 51);
    const { body } = await rig.call("GET", `/connections/home/messages?after=${first.id}&limit=1000`);
    assert.equal(body.gap?.requested, first.id);
    const numbers: number[] = body.items.map(({ payload }: MessageView) => Number(payload));
    assert.ok(numbers.length >= 5 && numbers.length <= 10, numbers.join());
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, i) => 50 - numbers.length + i),
    );
  });

  itHolds("ids that this log never gave are a gap, not an error and not silence", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "home", url: broker.url });
    const peer = await broker.connection(1);
    peer.send(message("t", "x"));
    const [first] = await messages(rig, 1);
    for (const id of ["0123456789ab-1", "nonsense", `${first.id}0`, "", "-1"]) {
      const { status, body, text } = await rig.call("GET", `/connections/home/messages?after=${id}`);
      assert.equal(status, 200, text);
      if (id !== "") assert.equal(body.gap?.requested, id, text);
      assert.equal(body.items.length, 1, text);
    }
  });
});
