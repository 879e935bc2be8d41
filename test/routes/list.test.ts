import assert from "node:assert/strict";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import type { Answer } from "../support/app.ts";
import { describe } from "../support/test.ts";

const idsOf = ({ body }: Answer): string[] => body.items.map(({ id }: { id: string }) => id);

async function openAll(rig: Rig, requests: readonly object[]): Promise<void> {
  const broker = await rig.broker(accepts());
  for (const request of requests) {
    const { status, text } = await rig.open({ url: broker.url, ...request });
    assert.equal(status, 201, text);
  }
}

describe("GET /connections", () => {
  itHolds("lists views, oldest first, and is not cached", async (rig) => {
    await openAll(rig, [{ id: "z" }, { id: "a" }]);
    const list = await rig.call("GET", "/connections");
    assert.equal(list.status, 200);
    assert.deepEqual(idsOf(list), ["bystander", "z", "a"]);
    assert.equal(list.body.next, null);
    assert.equal(list.headers.get("link"), null);
    assert.equal(list.headers.get("cache-control"), "no-store");
    const one = await rig.call("GET", "/connections/z");
    assert.deepEqual(Object.keys(list.body.items[1]), Object.keys(one.body));
  });

  itHolds("?state= and ?label= filter; labels all have to hold", async (rig) => {
    await openAll(rig, [
      { id: "a", labels: { site: "bonn", line: "1" } },
      { id: "b", labels: { site: "bonn", line: "2:b" } },
    ]);
    const refusing = await rig.broker(refuses(0x87));
    await rig.open({ id: "c", url: refusing.url, labels: { site: "bonn" } }, "?wait=0");
    await using events = await rig.app.events("/connections/c/events?lastEventId=earliest");
    await events.next("failed");
    const list = async (query: string) => idsOf(await rig.call("GET", `/connections?${query}`));
    assert.deepEqual(await list("label=site:bonn"), ["a", "b", "c"]);
    assert.deepEqual(await list("label=site:bonn&state=failed"), ["c"]);
    assert.deepEqual(await list("label=site:bonn&label=line:2:b"), ["b"]);
    assert.deepEqual(await list("label=site:berlin"), []);
    assert.deepEqual(await list("label=toString:x"), []);
    assert.deepEqual(await list("state=connected"), ["bystander", "a", "b"]);
    assert.deepEqual(await list("state=waiting"), []);
  });

  itHolds("pages: next and Link lead through all, also when one is deleted meanwhile", async (rig) => {
    await openAll(
      rig,
      Array.from({ length: 7 }, (_, i) => ({ id: `p${i}`, labels: { page: "yes" } })),
    );
    const first = await rig.call("GET", "/connections?label=page:yes&limit=3");
    assert.deepEqual(idsOf(first), ["p0", "p1", "p2"]);
    assert.equal(typeof first.body.next, "string");
    await rig.call("DELETE", "/connections/p2");
    const [, path] = /^<(.+)>; rel="next"$/.exec(first.headers.get("link") ?? "") ?? [];
    const second = await rig.call("GET", path!);
    assert.deepEqual(idsOf(second), ["p3", "p4", "p5"]);
    const last = await rig.call("GET", `/connections?label=page:yes&limit=3&cursor=${second.body.next}`);
    assert.deepEqual(idsOf(last), ["p6"]);
    assert.equal(last.body.next, null);
    assert.equal(last.headers.get("link"), null);
  });

  itHolds("a page that is exactly full is the last one", async (rig) => {
    await openAll(rig, [{ id: "a" }, { id: "b" }]);
    const list = await rig.call("GET", "/connections?limit=3");
    assert.equal(idsOf(list).length, 3);
    assert.equal(list.body.next, null);
  });

  for (const [query, parameter] of [
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=x", "limit"],
    ["state=happy", "state"],
    ["label=nocolon", "label"],
    ["cursor=!", "cursor"],
    ["colour=red", "colour"],
  ] as const) {
    itHolds(`?${query}: 422 that names ${parameter}`, async (rig) => {
      const answer = await rig.call("GET", `/connections?${query}`);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, parameter);
    });
  }
});
