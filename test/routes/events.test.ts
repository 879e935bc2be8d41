import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../routes/context.ts";
import { negotiateFormat, startOf } from "../../routes/event-start.ts";
import { live } from "../../routes/live.ts";
import { openPrincipal } from "../../src/access/principal.ts";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { Counters } from "../../src/metrics/counters.ts";
import { Problem } from "../../src/problem.ts";
import type { Tenant } from "../../src/tenant.ts";
import { FrameCache } from "../../src/stream/frame.ts";
import { OrderedLog } from "../../src/stream/log.ts";
import { Streams } from "../../src/stream/streams.ts";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe, it } from "../support/test.ts";

const query = "/connections/e/events";

describe("GET /connections/{id}/events", () => {
  for (const path of [query, "/events", `${query}?format=ndjson`]) {
    itHolds(`HEAD ${path}: the headers of the stream, and no stream`, async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "e", url: broker.url });
      const head = await rig.call("HEAD", path);
      assert.equal(head.status, 200);
      await using events = await rig.app.events(path);
      for (const name of ["content-type", "cache-control", "connack-last-event-id"])
        assert.equal(head.headers.get(name), events.headers.get(name), name);
      assert.equal((await rig.call("GET", "/readyz")).body.streams, 1);
    });
  }

  itHolds("HEAD where GET would be refused: as GET", async (rig) => {
    assert.equal((await rig.call("HEAD", "/connections/nobody/events")).status, 404);
    assert.equal((await rig.call("HEAD", "/events", undefined, { accept: "image/png" })).status, 406);
  });

  itHolds("?types takes those that come anyway, and no others", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "e", url: broker.url });
    await using events = await rig.app.events(
      `${query}?types=snapshot,gap,shutdown,connected&lastEventId=earliest`,
    );
    await events.next("snapshot");
    assert.equal((await events.next()).type, "connected");
    const wrong = await rig.call("GET", `${query}?types=snapshots&format=json`);
    assertProblem(wrong, 422, "invalid-request");
    assert.equal(wrong.body.errors[0].parameter, "types");
  });

  itHolds("?format=json&after= is as without after: from the oldest", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ id: "e", url: broker.url });
    const plain = await rig.call("GET", `${query}?format=json`);
    assert.ok(plain.body.items.length > 0);
    assert.deepEqual((await rig.call("GET", `${query}?format=json&after=`)).body, plain.body);
  });
});

describe("negotiateFormat()", () => {
  const events = ["sse", "ndjson", "json"] as const;
  const messages = ["json", "sse", "ndjson"] as const;
  const cases: readonly (readonly [string | undefined, string | null, string | null])[] = [
    [undefined, "sse", "json"],
    ["", "sse", "json"],
    ["*/*", "sse", "json"],
    ["text/*", "sse", "sse"],
    ["application/*", "ndjson", "json"],
    ["application/x-ndjson", "ndjson", "ndjson"],
    ["application/json, text/event-stream", "sse", "json"],
    ["application/json;q=0.5, text/event-stream", "sse", "sse"],
    ["text/event-stream;q=0, */*", "ndjson", "json"],
    ["image/png", null, null],
  ];
  for (const [accept, ofEvents, ofMessages] of cases) {
    it(`takes the best for "${accept}", and of equals the caller's first`, () => {
      assert.deepEqual(
        [negotiateFormat(accept, events), negotiateFormat(accept, messages)],
        [ofEvents, ofMessages],
      );
    });
  }
});

/** One log, and how often its streams were held and released. */
function liveRig({ maxStreams = 10, accepting = true } = {}) {
  const log = new OrderedLog("e", { maxEntries: 4, maxBytes: 1_000 });
  const limits = { heartbeatMs: 60_000, writeTimeoutMs: 60_000 };
  const streams = new Streams(limits, systemClock, async () => new Set());
  const budget = new Budget("", maxStreams);
  const counts = { held: 0, released: 0 };
  const counters = new Counters();
  const hold = () => {
    counts.held += 1;
    return () => void (counts.released += 1);
  };
  const app = new Hono<AppEnv>();
  app.get("/", (c) => {
    const options = { log, frames: new FrameCache(), format: "ndjson", hold } as const;
    const start = startOf(log, c.req.query("from"));
    c.set("tenant", { budgets: { streams: budget }, counters } as Tenant);
    c.set("principal", openPrincipal());
    return live(c, { streams, clock: systemClock, accepting: () => accepting }, { ...options, start });
  });
  app.onError(
    (error) => new Response(error instanceof Problem ? error.code : String(error), { status: 500 }),
  );
  const get = (query = "", method = "GET") => app.request(`/${query}`, { method });
  return { log, streams, counts, gaps: counters.gaps, get };
}

describe("live()", () => {
  const once = { held: 1, released: 1 };
  const append = (log: OrderedLog, from: number, through: number) => {
    for (let sequence = from; sequence <= through; sequence += 1)
      log.append({ sequence, type: "t", json: `{"type":"t","n":${sequence}}` });
  };
  const typesOf = (text: string) => [...text.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type);

  it("releases once when the reader goes", async () => {
    const { counts, get, streams } = liveRig();
    const response = await get();
    assert.deepEqual([counts, streams.size], [{ held: 1, released: 0 }, 1]);
    await response.body?.cancel();
    streams.shutdown();
    assert.deepEqual([counts, streams.size], [once, 0]);
  });

  it("releases once when the log ends, on shutdown, and on a gap", async () => {
    const ends: readonly (readonly [(rig: ReturnType<typeof liveRig>) => void, string[]])[] = [
      [({ log }) => log.close(), ["open"]],
      [({ streams }) => streams.shutdown(), ["open", "shutdown"]],
      [({ log }) => append(log, 1, 9), ["open", "gap"]],
    ];
    for (const [end, types] of ends) {
      const rig = liveRig();
      const response = await rig.get();
      end(rig);
      assert.deepEqual(typesOf(await response.text()), types);
      rig.streams.shutdown();
      assert.deepEqual(rig.counts, once);
      assert.deepEqual([...rig.gaps], types.includes("gap") ? [["slow-consumer", 1]] : []);
    }
  });

  it("releases once when there are too many streams", async () => {
    const { counts, get } = liveRig({ maxStreams: 0 });
    assert.equal(await (await get()).text(), "limit-reached");
    assert.deepEqual(counts, once);
  });

  it("holds nothing for HEAD, and when the server is stopping", async () => {
    const head = liveRig();
    const { status, headers } = await head.get("", "HEAD");
    assert.deepEqual([status, headers.get("content-type")], [200, "application/x-ndjson"]);
    const stopping = liveRig({ accepting: false });
    assert.equal(await (await stopping.get()).text(), "shutting-down");
    for (const { counts, streams } of [head, stopping])
      assert.deepEqual([counts, streams.size], [{ held: 0, released: 0 }, 0]);
  });

  it("begins with a gap where it cannot begin as asked, and then with the oldest entry", async () => {
    const { log, get, gaps } = liveRig();
    append(log, 1, 9);
    const response = await get("?from=e-2");
    log.close();
    assert.deepEqual([...gaps], [["expired", 1]]);
    assert.equal(response.headers.get("connack-last-event-id"), "e-5");
    assert.deepEqual(typesOf(await response.text()), ["open", "gap", "t", "t", "t", "t"]);
  });
});
