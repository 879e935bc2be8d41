import assert from "node:assert/strict";
import { adminToken } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

const settings = { CONNACK_ADMIN_TOKEN: adminToken };
const admin = { authorization: `Bearer ${adminToken}` };

const post = (app: TestApp, path: string, headers: Record<string, string> = admin) =>
  app.call("POST", "/stream-tickets", { path }, headers);

async function tokenOf(app: TestApp, fields: object) {
  const { status, text, body } = await app.call("POST", "/tokens", { name: "test", ...fields }, admin);
  assert.equal(status, 201, text);
  return { id: String(body.id), headers: { authorization: `Bearer ${body.token}` } };
}

describe("POST /stream-tickets", () => {
  it("gives a ticket that opens one path without a header, and is in no log", async () => {
    await using app = await startApp(settings);
    const made = await post(app, "/events");
    assert.equal(made.status, 201, made.text);
    assert.match(made.body.ticket, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(made.headers.get("cache-control"), "no-store");
    assert.equal(made.headers.get("location"), `/stream-tickets/${made.body.id}`);
    const left = Date.parse(made.body.expiresAt) - Date.now();
    assert.ok(left > 3_590_000 && left <= 3_600_000, String(left));
    await using stream = await app.events(`/events?ticket=${made.body.ticket}`);
    assert.equal((await stream.next()).type, "snapshot");
    const history = await app.call("GET", `/events?format=json&ticket=${made.body.ticket}&limit=1`);
    assert.equal(history.status, 200, history.text);
    const wrong = await app.call("GET", `/events?ticket=${made.body.ticket}&nonsense=1`);
    assert.deepEqual([wrong.status, wrong.body.errors[0].parameter], [422, "nonsense"]);
    assert.ok(!wrong.text.includes(made.body.ticket));
    // What else stands in the query is read as it is written.
    for (const query of [`types=%ff&ticket=${made.body.ticket}`, `ticket=${made.body.ticket}&types=%ff`]) {
      const { status, body } = await app.call("GET", `/events?${query}`);
      assert.deepEqual([status, body.errors[0].detail], [422, "expected UTF-8, percent-encoded"]);
    }
    assert.ok(!app.logs.join("").includes(made.body.ticket));
  });

  it("is for no other path, method or call, and beside no token", async () => {
    await using app = await startApp(settings);
    const { body } = await post(app, "/connections/a/events");
    const query = `?ticket=${body.ticket}`;
    const calls: readonly (readonly [string, string, Record<string, string>?])[] = [
      ["GET", `/events${query}`],
      ["GET", `/connections${query}`],
      ["GET", `/connections/b/events${query}`],
      ["GET", `/connections/a/messages${query}`],
      ["GET", `/connections/a/events/${query}`],
      ["HEAD", `/connections/a/events${query}`],
      ["POST", `/connections/a/events${query}`],
      ["DELETE", `/connections/a${query}`],
      ["GET", `/connections/a/events${query}&ticket=${body.ticket}`],
      ["GET", `/connections/a/events${query}`, admin],
      ["GET", `/connections/a/events?ticket=${body.ticket.slice(1)}`],
      ["GET", "/connections/a/events?ticket="],
    ];
    for (const [method, path, headers = {}] of calls)
      assert.equal((await app.call(method, path, undefined, headers)).status, 401, `${method} ${path}`);
    // The connection is not there, which only the right path finds out.
    assert.equal((await app.call("GET", `/connections/a/events${query}`)).status, 404);
  });

  it("is for paths that are read, and not for a query", async () => {
    await using app = await startApp(settings);
    for (const path of [
      "/connections",
      "/connections/a",
      "/connections/a/events?types=message",
      "/connections/a/b/events",
      "/connections//events",
      "/connections/a/messages/1/payload",
      "/tokens",
      "events",
      "",
    ])
      assert.equal((await post(app, path)).status, 422, path);
  });

  it("gives no more than its token has", async () => {
    await using app = await startApp(settings);
    const { headers } = await tokenOf(app, { scopes: ["publish", "connections:write"] });
    const refused = await post(app, "/events", headers);
    assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"]);
    const { body } = await post(app, "/events", (await tokenOf(app, { scopes: ["admin"] })).headers);
    const posted = await app.call("POST", `/stream-tickets?ticket=${body.ticket}`, { path: "/events" });
    assert.equal(posted.status, 401);
  });
});

describe("DELETE /stream-tickets/{id}", () => {
  it("ends a ticket; whose it is not, there is none", async () => {
    await using app = await startApp(settings);
    const acme = await tokenOf(app, { tenant: "acme", scopes: ["connections:read"] });
    const sibling = await tokenOf(app, { tenant: "acme", scopes: ["connections:read"] });
    const other = await tokenOf(app, { tenant: "other", scopes: ["admin"] });
    const made = await post(app, "/events", acme.headers);
    const path = `/stream-tickets/${made.body.id}`;
    for (const { headers } of [sibling, other])
      assert.equal((await app.call("DELETE", path, undefined, headers)).status, 404);
    const read = () => app.call("GET", `/events?format=json&ticket=${made.body.ticket}`);
    assert.equal((await read()).status, 200);
    assert.equal((await app.call("DELETE", path, undefined, acme.headers)).status, 204);
    assert.equal((await read()).status, 401);
    assert.equal((await app.call("DELETE", path, undefined, acme.headers)).status, 404);
    const second = await post(app, "/events", acme.headers);
    assert.equal(
      (await app.call("DELETE", `/stream-tickets/${second.body.id}`, undefined, admin)).status,
      204,
    );
  });

  it("is what the revocation of its token does, too", async () => {
    await using app = await startApp(settings);
    const token = await tokenOf(app, { scopes: ["connections:read"] });
    const { body } = await post(app, "/events", token.headers);
    assert.equal((await app.call("DELETE", `/tokens/${token.id}`, undefined, admin)).status, 204);
    assert.equal((await app.call("GET", `/events?ticket=${body.ticket}`)).status, 401);
  });
});
