import assert from "node:assert/strict";
import { catalogue } from "../../src/problem-catalogue.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const codes = Object.keys(catalogue);

describe("/problems", () => {
  itHolds("every code has a page, as text, HTML and JSON", async (rig) => {
    for (const code of codes) {
      const text = await rig.call("GET", `/problems/${code}`);
      assert.equal(text.status, 200, code);
      assert.match(text.headers.get("content-type") ?? "", /^text\/plain/);
      assert.ok(text.text.startsWith(`${code} (`));
      const page = await rig.call("GET", `/problems/${code}`, undefined, { accept: "text/html,*/*" });
      assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
      assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
      assert.ok(page.text.includes(code));
      const json = await rig.call("GET", `/problems/${code}`, undefined, { accept: "application/json" });
      const [entry] = json.body;
      assert.equal(entry.code, code);
      for (const name of ["title", "meaning", "cause", "check"]) assert.ok(entry[name].length > 0);
      assert.ok(entry.status >= 400 && entry.status < 600);
    }
  });

  itHolds("the index has them all", async (rig) => {
    const { body } = await rig.call("GET", "/problems", undefined, { accept: "application/json" });
    assert.deepEqual(
      body.map(({ code }: { code: string }) => code),
      codes,
    );
    const { text } = await rig.call("GET", "/problems");
    for (const code of codes) assert.ok(text.includes(`${code} (`));
  });

  itHolds("a code that does not exist: 404", async (rig) => {
    for (const code of ["nonsense", "__proto__", "toString"])
      assertProblem(await rig.call("GET", `/problems/${code}`), 404, "not-found");
  });
});

describe("paths and methods that are not there", () => {
  itHolds("404 on an unknown path and on an unknown connection, by every call", async (rig) => {
    for (const [method, path] of [
      ["GET", "/nothing"],
      ["GET", "/connections/nobody"],
      ["GET", "/connections/nobody/events"],
      ["DELETE", "/connections/nobody"],
      ["POST", "/connections/nobody/reconnect"],
      ["POST", "/connections/nobody/ping"],
      ["GET", "/connections/"],
      ["GET", "/connections/a/b/c"],
    ] as const)
      assertProblem(await rig.call(method, path), 404, "not-found");
  });

  itHolds("405 with Allow", async (rig) => {
    for (const [method, path, allow] of [
      ["DELETE", "/connections", "GET, POST"],
      ["PATCH", "/connections/x", "DELETE, GET, PUT"],
      ["POST", "/connections/x", "DELETE, GET, PUT"],
      ["GET", "/connections/x/ping", "POST"],
      ["PUT", "/connections/x/reconnect", "POST"],
      ["POST", "/healthz", "GET"],
      ["POST", "/events", "GET"],
    ] as const) {
      const answer = await rig.call(method, path);
      assertProblem(answer, 405, "method-not-allowed");
      const allowed = answer.headers.get("allow")?.split(", ") ?? [];
      for (const each of allow.split(", ")) assert.ok(allowed.includes(each), `${path}: ${allowed.join()}`);
      assert.ok(!allowed.includes(method));
    }
  });

  itHolds("406 where events are asked for in another form", async (rig) => {
    assertProblem(
      await rig.call("GET", "/events", undefined, { accept: "image/png" }),
      406,
      "not-acceptable",
    );
  });
});

describe("X-Request-Id", () => {
  itHolds("is the caller's, or made; problems and the log have it", async (rig) => {
    const mine = await rig.call("GET", "/nothing", undefined, { "x-request-id": "mine-1" });
    assert.equal(mine.headers.get("x-request-id"), "mine-1");
    assert.equal(mine.body.instance, "urn:request:mine-1");
    assert.ok(rig.app.logs.some((line) => line.includes('"mine-1"')));
    const first = await rig.call("GET", "/healthz");
    const second = await rig.call("GET", "/healthz");
    assert.match(first.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    assert.notEqual(first.headers.get("x-request-id"), second.headers.get("x-request-id"));
  });

  itHolds("one that is too long or has strange characters is replaced", async (rig) => {
    for (const id of ["x".repeat(300), "a<b>", "a b"]) {
      const answer = await rig.call("GET", "/healthz", undefined, { "x-request-id": id });
      assert.match(answer.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/, id);
    }
  });
});

describe("invalid-request", () => {
  itHolds("110,000 unknown fields: the first 100 are listed, and their number is said", async (rig) => {
    const fields = Array.from({ length: 110_000 }, (_, i) => [i.toString(36), 0] as const);
    const answer = await rig.call("POST", "/connections", Object.fromEntries(fields));
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors.length, 100);
    assert.match(answer.body.detail, /110000|110001/);
  });
});
