import assert from "node:assert/strict";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { frontRig, sayingOf, type FrontRig } from "../support/front-rig.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

interface Item {
  readonly id: string;
  readonly eventId: string;
  readonly type: string;
  readonly at: string;
  readonly connection: string;
  readonly version: number;
}

interface Page {
  readonly items: readonly Item[];
  readonly next: string;
  readonly gap?: { readonly requested: string; readonly oldest: string | null; readonly reason: string };
}

const ids = Array.from({ length: 7 }, (_, n) => `c${n}`);

/** Connections with some events each, in all shards. */
async function lived({ fronts, cells }: FrontRig, url: string): Promise<void> {
  for (const id of ids) assert.equal((await fronts[0].open({ id, url })).status, 201);
  for (const id of ids)
    assert.equal((await fronts[1].call("POST", `/connections/${id}/reconnect`)).status, 200);
  cells.calls.length = 0;
}

/** Pages from a place on, each asked of another front, until one is empty. */
async function walk({ fronts }: FrontRig, query: string, after = ""): Promise<Page[]> {
  const pages: Page[] = [];
  for (let place = after; ;) {
    const front = fronts[pages.length % 2 === 0 ? 0 : 1];
    const answer = await front.call("GET", `/events?format=json&${query}&after=${place}`);
    assert.equal(answer.status, 200, answer.text);
    const page = answer.body as Page;
    pages.push(page);
    if (page.items.length === 0) return pages;
    assert.equal(page.items.at(-1)?.id === undefined, false);
    place = page.next;
  }
}

const own = ({ connection, version, type }: Item) => `${connection} ${version} ${type}`;

/** What the cells have themselves, by connection. */
async function ofConnection({ front }: FrontRig, id: string): Promise<Item[]> {
  const answer = await front.call("GET", `/connections/${id}/events?format=json&limit=1000`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.items;
}

describe("GET /events?format=json at a front", () => {
  it("has each event once, by time, in the order of its connection, on pages of any size", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await lived(rig, broker.url);
    const [whole] = await walk(rig, "limit=1000");
    const all = whole?.items ?? [];
    assert.ok(all.length > 30, `${all.length}`);
    const times = all.map(({ at }) => at);
    assert.deepEqual(times, times.toSorted());
    for (const id of ids) {
      const told = all.filter(({ connection }) => connection === id);
      const kept = await ofConnection(rig, id);
      assert.deepEqual(
        told.map(({ eventId }) => eventId),
        kept.map((item) => item.id),
      );
      const { eventId, ...rest } = told[0] ?? assert.fail();
      assert.deepEqual({ ...rest, id: eventId }, kept[0]);
    }
    for (const limit of [1, 2, 3, 10, 64, all.length, all.length + 1]) {
      const pages = await walk(rig, `limit=${limit}`);
      const items = pages.flatMap((page) => page.items);
      assert.deepEqual(items.map(own).toSorted(), all.map(own).toSorted(), `limit ${limit}`);
      assert.deepEqual(
        items.map(({ eventId }) => eventId),
        all.map(({ eventId }) => eventId),
        `limit ${limit}`,
      );
      for (const page of pages.slice(0, -2)) assert.equal(page.items.length, limit);
      for (const page of pages) assert.equal(page.gap, undefined);
    }
  });

  it("goes on behind each item's id, and sees what has come since at the end", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await lived(rig, broker.url);
    const [whole, end] = await walk(rig, "limit=1000");
    const all = whole?.items ?? [];
    for (const place of [0, 1, 7, Math.floor(all.length / 2), all.length - 1]) {
      const pages = await walk(rig, "limit=9", all[place]?.id);
      const rest = pages.flatMap(({ items }) => items.map(({ eventId }) => eventId));
      assert.deepEqual(
        rest,
        all.slice(place + 1).map(({ eventId }) => eventId),
      );
    }
    await rig.front.call("DELETE", "/connections/c3");
    const since = (await walk(rig, "limit=5", end?.next)).flatMap(({ items }) => items);
    assert.ok(since.length > 0);
    assert.ok(since.every(({ connection }) => connection === "c3"));
    assert.equal(since.at(-1)?.type, "closed");
  });

  it("pages what a filter leaves, and moves on over the rest", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await lived(rig, broker.url);
    const connected = (await walk(rig, "limit=1000"))
      .flatMap(({ items }) => items)
      .filter(({ type }) => type === "connected");
    assert.equal(connected.length, ids.length * 2);
    for (const limit of [1, 5, 100]) {
      const pages = await walk(rig, `limit=${limit}&types=connected`);
      assert.deepEqual(
        pages.flatMap(({ items }) => items.map(own)),
        connected.map(own),
      );
    }
    const two = await walk(rig, "limit=4&types=connected&connection=c1,c6");
    const wanted = connected.filter(({ connection }) => connection === "c1" || connection === "c6");
    assert.deepEqual(
      two.flatMap(({ items }) => items.map(own)),
      wanted.map(own),
    );
    const none = await walk(rig, "types=failed");
    assert.equal(none.length, 1);
    assert.deepEqual((await walk(rig, "limit=1", none[0]?.next)).length, 1);
  });

  it("tells a gap where it cannot begin, once, and goes on from the oldest", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await lived(rig, broker.url);
    const all = (await walk(rig, "limit=1000")).flatMap(({ items }) => items);
    for (const wrong of ["nothing", "0123456789ab-3", all[0]?.eventId ?? ""]) {
      const pages = await walk(rig, "limit=7", wrong);
      assert.equal(pages[0]?.gap?.reason, "unknown");
      assert.equal(pages[0]?.gap?.requested, wrong);
      assert.equal(typeof pages[0]?.gap?.oldest, "string");
      for (const page of pages.slice(1)) assert.equal(page.gap, undefined);
      const told = pages.flatMap(({ items }) => items.map(({ eventId }) => eventId));
      assert.deepEqual(
        told,
        all.map(({ eventId }) => eventId),
      );
    }
  });

  it("tells a gap of the one cell that begins anew, and leaves out nothing of the others", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using rig = await frontRig();
    await lived(rig, broker.url);
    const [whole] = await walk(rig, "limit=1000");
    const all = whole?.items ?? [];
    const middle = all[Math.floor(all.length / 2)]?.id;
    const before = await walk(rig, "limit=1000", middle);
    rig.cells.give(1, (await rig.another()).fetch);
    const after = await walk(rig, "limit=3", middle);
    assert.equal(after[0]?.gap?.reason, "restarted");
    for (const page of after.slice(1)) assert.equal(page.gap, undefined);
    const isElsewhere = ({ connection }: Item) => shardOf(connection, 3) !== 1;
    const wanted = before.flatMap(({ items }) => items).filter(isElsewhere);
    assert.ok(wanted.length > 0);
    assert.deepEqual(
      after.flatMap(({ items }) => items.map(own)),
      wanted.map(own),
    );
  });

  it("tells a gap where what a page has not come to yet has left a cell's log", async () => {
    await using broker = await startScriptedBroker(accepts());
    const environment = { CONNACK_MAX_EVENTS: "16" };
    await using rig = await frontRig({ environment });
    await lived(rig, broker.url);
    const first = await rig.front.call("GET", "/events?format=json&limit=1");
    for (const id of [...ids, ...ids, ...ids]) await rig.front.call("POST", `/connections/${id}/reconnect`);
    const next = await rig.front.call("GET", `/events?format=json&after=${first.body.next}`);
    assert.equal(next.body.gap?.reason, "expired", next.text.slice(0, 200));
  });

  it("refuses what one app refuses, as that does", async () => {
    await using app = await startApp();
    await using rig = await frontRig();
    const long = "x".repeat(5_000);
    const queries = [
      "limit=0",
      "limit=1001",
      "limit=1&limit=2",
      "types=nothing",
      "after=%ff",
      "after=a&after=b",
      `after=${long}`,
      "nothing=1",
      "messages=c1",
      "messages=c1&messages=c2",
    ];
    for (const query of queries) {
      const path = `/events?format=json&${query}`;
      const [alone, joint] = [await app.call("GET", path), await rig.front.call("GET", path)];
      assert.ok(alone.status >= 400, query);
      assert.deepEqual(sayingOf(joint), sayingOf(alone), query);
    }
    assertProblem(
      await rig.front.call("GET", "/events", undefined, { accept: "image/png" }),
      406,
      "not-acceptable",
    );
  });

  it("HEAD has the headers of GET", async () => {
    await using rig = await frontRig();
    const path = "/events?format=json";
    const [get, head] = [await rig.front.call("GET", path), await rig.front.call("HEAD", path)];
    const { body: _, ...said } = sayingOf(get) as { body: unknown };
    const { body, ...without } = sayingOf(head) as { body: unknown };
    assert.equal(body, "");
    assert.deepEqual(without, said);
  });
});
