import assert from "node:assert/strict";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { adminToken } from "../support/access.ts";
import { startApp } from "../support/app.ts";
import { frontRig, sayingOf, type FrontRig } from "../support/front-rig.ts";
import { assertProblem } from "../support/invariants.ts";
import { describe, it } from "../support/test.ts";

const nowhere = { url: "mqtt://127.0.0.1:1", reconnect: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } };

/** Opens so many, and returns their ids in the order of a list of all. */
async function openMany({ front, cells }: FrontRig, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `c${n}`);
  for (const [n, id] of ids.entries()) {
    const labels = { odd: String(n % 2 === 1), rare: String(n % 10 === 0) };
    const opened = await front.open({ id, labels, ...nowhere }, "?wait=0");
    assert.equal(opened.status, 202, opened.text);
  }
  // Stable, so that those of a shard stay as they came.
  return ids.toSorted((a, b) => shardOf(a, cells.shards) - shardOf(b, cells.shards));
}

/** All pages from a path on, by the links that they have. */
async function walk({ fronts }: FrontRig, start: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let path: string | undefined = start; path !== undefined;) {
    const page = await fronts[pages.length % 2 === 0 ? 0 : 1].call("GET", path);
    assert.equal(page.status, 200, page.text);
    pages.push(page.body.items.map(({ id }: { id: string }) => id));
    const link = page.headers.get("link");
    assert.equal(link === null, page.body.next === null);
    if (link !== null) assert.ok(link.includes(encodeURIComponent(page.body.next)), link);
    path = /^<([^>]+)>; rel="next"$/.exec(link ?? "")?.[1];
  }
  return pages;
}

describe("GET /connections at a front", () => {
  it("has all connections once, on full pages, whichever front is asked", async () => {
    await using rig = await frontRig({ shards: 4 });
    const all = await openMany(rig, 50);
    for (const limit of [1, 2, 7, 25, 49, 50, 51, 100, 1_000]) {
      const pages = await walk(rig, `/connections?limit=${limit}`);
      assert.deepEqual(pages.flat(), all, `limit ${limit}`);
      for (const page of pages.slice(0, -1)) assert.equal(page.length, limit);
      assert.ok((pages.at(-1)?.length ?? 0) > 0);
    }
    assert.deepEqual(await walk(rig, "/connections"), [all]);
  });

  it("filters in every cell, and pages what is left", async () => {
    await using rig = await frontRig({ shards: 4 });
    const all = await openMany(rig, 50);
    const odd = all.filter((id) => Number(id.slice(1)) % 2 === 1);
    const rare = all.filter((id) => Number(id.slice(1)) % 10 === 0);
    assert.deepEqual((await walk(rig, "/connections?label=odd:true&limit=3")).flat(), odd);
    assert.deepEqual((await walk(rig, "/connections?label=rare:true&limit=2&label=odd:false")).flat(), rare);
    assert.deepEqual((await walk(rig, "/connections?limit=4&label=rare%3Atrue")).flat(), rare);
    assert.deepEqual(await walk(rig, "/connections?label=odd:maybe"), [[]]);
    assert.deepEqual(await walk(rig, "/connections?state=connected&limit=1"), [[]]);
  });

  it("HEAD has the headers of GET", async () => {
    await using rig = await frontRig();
    await openMany(rig, 5);
    for (const path of ["/connections", "/connections?limit=2"]) {
      const [get, head] = [await rig.front.call("GET", path), await rig.front.call("HEAD", path)];
      const { body: _, ...said } = sayingOf(get) as { body: unknown };
      const { body, ...without } = sayingOf(head) as { body: unknown };
      assert.equal(body, "");
      assert.deepEqual(without, said);
    }
  });

  const refused = [
    "limit=0",
    "limit=1001",
    "limit=-1",
    "limit=x",
    "limit=",
    "limit=1&limit=2",
    "limit=0&cursor=0.0",
    "cursor=-",
    "cursor=",
    "cursor=.",
    "cursor=..",
    "cursor=0.0&cursor=0.0",
    "state=sleeping",
    "label=nothing",
    "nothing=1",
    "limit=%ff",
    "%ff=1",
    "state=sleeping&limit=2&label=x",
  ];
  it("refuses what one app refuses, as that does", async () => {
    await using app = await startApp();
    await using rig = await frontRig();
    for (const query of refused) {
      // What a cursor looks like is not the same.
      const own = query
        .replace("&cursor=0.0", "&cursor=0")
        .replace("cursor=0&cursor=0.0", "cursor=0&cursor=0");
      const alone = await app.call("GET", `/connections?${own}`);
      const joint = await rig.front.call("GET", `/connections?${query}`);
      assert.ok(alone.status >= 400, query);
      const isTwoCursors = /cursor=.*cursor=/.test(query);
      if (isTwoCursors) assertProblem(joint, 422, "invalid-request");
      else assert.deepEqual(sayingOf(joint), sayingOf(alone), query);
    }
    for (const cursor of ["0", "1", "3.0", "zz.0", "0.zzzzzzzzzzz", "0.0.0", "0.A", "-1.0"]) {
      const joint = await rig.front.call("GET", `/connections?cursor=${cursor}`);
      assertProblem(joint, 422, "invalid-request");
      assert.equal(joint.body.errors[0].parameter, "cursor");
      assert.equal(joint.body.errors.length, 1);
    }
  });

  it("takes no caller whom the cells do not take", async () => {
    await using rig = await frontRig({ environment: { CONNACK_ADMIN_TOKEN: adminToken } });
    assertProblem(await rig.front.call("GET", "/connections"), 401, "unauthorized");
    assertProblem(await rig.front.call("GET", "/connections?limit=0"), 401, "unauthorized");
    const headers = { authorization: `Bearer ${adminToken}` };
    assert.equal((await rig.front.call("GET", "/connections", undefined, headers)).status, 200);
  });

  it("has a whole answer or none, where a cell has no owner", async () => {
    await using rig = await frontRig();
    await openMany(rig, 5);
    rig.cells.lose(2);
    const answer = await rig.front.call("GET", "/connections");
    assertProblem(answer, 503, "no-owner");
    assert.equal(answer.headers.get("retry-after"), "2");
    assert.match(answer.body.detail, /A part of the connections/);
    rig.cells.give(2);
    assert.equal((await rig.front.call("GET", "/connections")).body.items.length, 5);
  });

  it("lets go of what it has asked when its caller leaves", async () => {
    await using rig = await frontRig();
    rig.cells.ownerWithinMs = 60_000;
    rig.cells.lose(1);
    const leaving = new AbortController();
    const headers = { host: "localhost" };
    const request = new Request("http://localhost/connections", { headers, signal: leaving.signal });
    const answer = rig.front.front(request);
    leaving.abort();
    assert.equal((await answer).status, 499);
  });
});
