import assert from "node:assert/strict";
import { array, assert as check, constantFrom, property, tuple } from "fast-check";
import { Hono } from "hono";
import { routeOf } from "../../src/cluster/front-route.ts";
import { shardOf } from "../../src/cluster/front-shard.ts";
import { serve } from "../../src/serve.ts";
import { parseSettings } from "../../src/settings.ts";
import { frontOf, frontRig } from "../support/front-rig.ts";
import { rawExchange } from "../support/raw-http.ts";
import { TestCells } from "../support/test-cells.ts";
import { describe, it } from "../support/test.ts";

const table: readonly (readonly [path: string, to: string, id?: string])[] = [
  ["/connections", "connections"],
  ["/connections?limit=1", "connections"],
  ["/connections#a", "connections"],
  ["/%63onnections", "connections"],
  ["/connections/", "connection", ""],
  ["/connections/c1", "connection", "c1"],
  ["/connections/c1?wait=1", "connection", "c1"],
  ["/connections/c1#/events", "connection", "c1"],
  ["/connections/c1/events", "connection", "c1"],
  ["/connections/c1/messages/m?x=/y", "connection", "c1"],
  ["/connections/c%31", "connection", "c1"],
  ["/%63onnections/c%31/publish?x=%", "connection", "c1"],
  ["/connections/a%2Fb", "connection", "a/b"],
  ["/connections/a%252Fb", "connection", "a%2Fb"],
  ["/connections/a%3Fb", "connection", "a?b"],
  ["/connections/%FF", "connection", "%FF"],
  ["/connections/c1?id=%31", "connection", "c1"],
  ["/connections/a+b", "connection", "a+b"],
  ["/connections//c1", "connection", ""],
  ["//connections/c1", "node"],
  ["/connections%2Fc1", "any"],
  ["/Connections/c1", "any"],
  ["/events", "events"],
  ["/events?types=closed", "events"],
  ["/event%73", "events"],
  ["/events/", "any"],
  ["/eventsource", "any"],
  ["/tokens", "home"],
  ["/tokens/t1", "home"],
  ["/session", "home"],
  ["/stream-tickets/x", "home"],
  ["/webhooks", "webhooks"],
  ["/webhooks/w/deliveries", "webhooks"],
  ["/", "node"],
  ["/?x", "node"],
  ["/healthz", "node"],
  ["/readyz", "node"],
  ["/metrics", "node"],
  ["/version", "node"],
  ["/docs", "node"],
  ["/openapi.json", "node"],
  ["/problems/no-owner", "node"],
  ["/dashboard/client.js", "node"],
  ["/probe", "any"],
  ["/nothing", "any"],
];

/** The framework's idea of the same, by patterns as the routes have them. */
function frameworkOf() {
  const app = new Hono();
  for (const pattern of ["/connections/:id", "/connections/:id/:rest{.+}"])
    app.all(pattern, (c) => c.json({ to: "connection", id: c.req.param("id") }));
  app.all("/connections", (c) => c.json({ to: "connections", id: "" }));
  app.all("/events", (c) => c.json({ to: "events", id: "" }));
  for (const path of ["/tokens", "/tokens/:id", "/session", "/stream-tickets", "/stream-tickets/:id"])
    app.all(path, (c) => c.json({ to: "home", id: "" }));
  for (const path of ["/webhooks", "/webhooks/:id", "/webhooks/:id/:rest{.+}"])
    app.all(path, (c) => c.json({ to: "webhooks", id: "" }));
  for (const path of ["/", "/healthz", "/docs", "/problems/:code", "/dashboard/:file"])
    app.all(path, (c) => c.json({ to: "node", id: "" }));
  app.notFound((c) => c.json(null));
  return app;
}

/** What may be the id of a connection; of the others it is enough that no cell has them. */
const possible = /^[A-Za-z0-9._~-]{1,64}$/;

describe("routeOf()", () => {
  for (const [path, to, id = ""] of table)
    it(`${path} is ${to}${id === "" ? "" : ` ${id}`}`, () => {
      for (const origin of ["http://h", "https://connack.example:8443", "http://[::1]:80"])
        assert.deepEqual(routeOf(`${origin}${path}`), { to, id });
    });

  it("is of the node where there is no path", () => {
    assert.equal(routeOf("http://h").to, "node");
  });

  it("sees the same path and id as the framework, in every spelling", async () => {
    const app = frameworkOf();
    const words = [
      "connections",
      "events",
      "tokens",
      "webhooks",
      "docs",
      "c1",
      "A.~-_9",
      "",
      "x",
      "problems",
    ];
    const pieces = [
      "%63",
      "%2F",
      "%2f",
      "%25",
      "%252e",
      "%FF",
      "%E4%BD%A0",
      "%",
      "%zz",
      "+",
      ";",
      "a",
      "é",
      "@",
    ];
    const spelled = (text: string) =>
      text.replace(/[aeo]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
    const segment = constantFrom(
      ...words,
      ...words.map(spelled),
      ...pieces,
      ...pieces.map((each) => `c${each}1`),
    );
    const tail = constantFrom("", "?a=/connections/b", "?%", "#x", "#x?y", "?#%2F");
    const first = constantFrom("connections", "connections", spelled("connections"), ...words);
    const paths = tuple(first, array(segment, { maxLength: 3 }), tail);
    const cases: { readonly url: string; readonly raw: string }[] = [];
    check(
      property(paths, ([begin, segments, end]) => {
        const raw = `/${[begin, ...segments].join("/")}${end}`;
        cases.push({ raw, url: new Request(`http://h${raw}`).url });
      }),
      { numRuns: 2_000 },
    );
    let sameIds = 0;
    for (const { raw, url } of cases) {
      const response = await app.fetch(new Request(`http://h${raw}`));
      const seen = (await response.json()) as { to: string; id: string } | null;
      const own = routeOf(url);
      if (seen !== null && seen.to !== "connection") assert.deepEqual(own, seen, raw);
      else if (seen !== null) {
        assert.equal(own.to, "connection", raw);
        if (possible.test(seen.id)) assert.equal(own.id, seen.id, raw);
        else assert.ok(!possible.test(own.id), raw);
        sameIds += 1;
      } else if (own.to === "connection") {
        // Nothing is there for either.
        assert.ok(!possible.test(own.id) || raw.includes("//") || /\/([?#]|$)/.test(raw), raw);
      } else assert.ok(!["connections", "events"].includes(own.to), raw);
    }
    assert.ok(sameIds > 50);
  });

  it("takes every method of a path to the same place, which refuses those that are not for it", async () => {
    await using rig = await frontRig();
    const wrong = [
      ["PUT", "/connections", 405],
      ["DELETE", "/connections", 405],
      ["PATCH", "/connections", 405],
      ["OPTIONS", "/connections", 405],
      ["POST", "/events", 405],
      ["OPTIONS", "/events", 405],
      ["PATCH", "/connections/c1", 405],
      ["GET", "/connections/c1", 404],
      ["HEAD", "/connections/c1", 404],
      ["DELETE", "/connections/c1", 404],
      ["GET", "/connections/", 404],
      ["GET", "/connections//events", 404],
      ["GET", "//connections/c1", 404],
      ["GET", "/events/", 404],
      ["GET", "/nothing/at/all", 404],
      ["GET", "/connections/%FF", 404],
      ["PUT", "/connections/a%2Fb", 400],
      ["GET", "/healthz", 200],
      ["HEAD", "/healthz", 200],
      ["GET", "/problems/no-owner", 200],
    ] as const;
    for (const [method, path, status] of wrong) {
      const answer = await rig.front.call(method, path);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      if (status === 405) assert.ok(answer.headers.has("allow"));
      assert.equal(method === "HEAD" && answer.text !== "", false);
    }
  });
});

describe("a path with steps in it", () => {
  const shards = 8;

  for (const path of ["/connections/x/../y1", "/connections/x/%2e%2E/y1", "/connections/x\\..\\y1"])
    it(`goes to whose it is when a request is made of it anew, as on the way to a node: ${path}`, async () => {
      assert.notEqual(shardOf("x", shards), shardOf("y1", shards));
      const bodies: string[] = [];
      const cell = async (request: Request) => {
        bodies.push(`${request.method} ${await request.text()}`);
        return new Response(null, { status: 204 });
      };
      const cells = new TestCells(Array.from({ length: shards }, () => cell));
      const { front, stop } = frontOf(cells, parseSettings({ CONNACK_STORE: "memory" }), cell);
      const serving = serve({ fetch: front }, "127.0.0.1", 0);
      const head = `PUT ${path}?a=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 2`;
      const { statuses } = await rawExchange(serving.port, `${head}\r\n\r\n{}`);
      assert.deepEqual(statuses, [204]);
      assert.deepEqual(cells.calls, [
        { shard: shardOf("y1", shards), method: "PUT", path: "/connections/y1?a=1" },
      ]);
      assert.deepEqual(bodies, ["PUT {}"]);
      stop();
      await serving.stop();
    });
});
