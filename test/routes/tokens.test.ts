import assert from "node:assert/strict";
import { adminToken } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

const settings = { CONNACK_ADMIN_TOKEN: adminToken };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const admin = bearer(adminToken);

const post = (app: TestApp, fields: object = {}, headers: Record<string, string> = admin) =>
  app.call("POST", "/tokens", { name: "test", scopes: ["connections:read"], ...fields }, headers);

/** A token's text. */
async function tokenOf(app: TestApp, fields: object): Promise<string> {
  const { status, text, body } = await post(app, fields);
  assert.equal(status, 201, text);
  return body.token;
}

describe("POST /tokens", () => {
  it("makes a token, shows it once, and says where it is", async () => {
    await using app = await startApp(settings);
    const made = await post(app, {
      name: "backend",
      scopes: ["publish", "subscribe"],
      tenant: "acme",
      publish: ["a/+"],
      expiresAt: "2999-01-31T13:00:00+01:00",
    });
    assert.equal(made.status, 201, made.text);
    const { token, ...view } = made.body;
    assert.equal(made.headers.get("location"), `/tokens/${view.id}`);
    assert.equal(made.headers.get("cache-control"), "no-store");
    assert.deepEqual(
      { ...view, createdAt: "" },
      {
        id: view.id,
        name: "backend",
        tenant: "acme",
        scopes: ["publish", "subscribe"],
        publish: ["a/+"],
        subscribe: null,
        expiresAt: "2999-01-31T12:00:00.000Z",
        createdAt: "",
        createdBy: "admin",
        lastUsedAt: null,
        links: { self: `/tokens/${view.id}` },
      },
    );
    const shown = await app.call("GET", `/tokens/${view.id}`, undefined, admin);
    assert.deepEqual(shown.body, view);
    const list = await app.call("GET", "/tokens", undefined, admin);
    assert.deepEqual(list.body, { items: [view], next: null });
    for (const { text } of [shown, list]) assert.ok(!text.includes(token.slice(21)) && !/hash/.test(text));
    assert.ok(!app.logs.join("").includes(token.slice(21)));
  });

  const wrong: readonly (readonly [string, object, string])[] = [
    ["no scopes", { scopes: [] }, "/scopes"],
    ["a scope that there is not", { scopes: ["read"] }, "/scopes/0"],
    ["a scope twice", { scopes: ["publish", "publish"] }, "/scopes"],
    ["an empty name", { name: "" }, "/name"],
    ["a name that writes on terminals", { name: "a\u001b[2J" }, "/name"],
    ["a tenant with a slash", { tenant: "a/b" }, "/tenant"],
    ["an empty list of filters", { publish: [] }, "/publish"],
    ["a filter that is none", { subscribe: ["a/#/b"] }, "/subscribe/0"],
    ["101 filters", { subscribe: Array.from({ length: 101 }, (_, i) => `a/${i}`) }, "/subscribe"],
    ["filters for an admin", { scopes: ["admin"], publish: ["a"] }, "/publish"],
    ["a time that is past", { expiresAt: "2001-01-01T00:00:00Z" }, "/expiresAt"],
    ["a time that is none", { expiresAt: "tomorrow" }, "/expiresAt"],
    ["a time without a zone", { expiresAt: "2999-01-01T00:00:00" }, "/expiresAt"],
    ["a field that there is not", { scope: "publish" }, "/scope"],
  ];
  it("refuses what a token cannot be, and names the field", async () => {
    await using app = await startApp(settings);
    for (const [what, fields, pointer] of wrong) {
      const { status, body } = await post(app, fields);
      assert.equal(status, 422, what);
      assert.equal(body.errors[0].pointer, pointer, what);
    }
    const again = await post(app, {}, { ...admin, "idempotency-key": "k" });
    assert.deepEqual([again.status, again.body.errors[0].parameter], [422, "Idempotency-Key"]);
    assert.equal((await app.call("GET", "/tokens", undefined, admin)).body.items.length, 0);
  });

  it("is for admins", async () => {
    await using app = await startApp(settings);
    const scopes = ["connections:read", "connections:write", "publish", "subscribe"];
    const weak = bearer(await tokenOf(app, { scopes }));
    for (const [method, path] of [
      ["POST", "/tokens"],
      ["GET", "/tokens"],
      ["GET", "/tokens/x"],
      ["DELETE", "/tokens/x"],
    ] as const) {
      const body = method === "POST" ? { name: "x", scopes: ["admin"] } : undefined;
      const answer = await app.call(method, path, body, weak);
      assert.deepEqual([answer.status, answer.body.code], [403, "forbidden"], `${method} ${path}`);
      assert.match(answer.body.detail, /the scope admin/);
    }
  });
});

describe("tokens of tenants", () => {
  it("are seen, made and revoked by their own admins and by operators only", async () => {
    await using app = await startApp(settings);
    const acme = bearer(await tokenOf(app, { scopes: ["admin"], tenant: "acme", name: "acme admin" }));
    const other = await post(app, { tenant: "other" });
    const own = await post(app, { name: "own" }, acme);
    assert.deepEqual([own.status, own.body.tenant], [201, "acme"]);
    const foreign = await post(app, { tenant: "other" }, acme);
    assert.deepEqual([foreign.status, foreign.body.code], [403, "forbidden"]);
    assert.equal((await app.call("GET", "/tokens?tenant=other", undefined, acme)).status, 403);
    const list = await app.call("GET", "/tokens", undefined, acme);
    assert.deepEqual(
      list.body.items.map(({ name }: { name: string }) => name),
      ["acme admin", "own"],
    );
    const unknown = await app.call("GET", "/tokens/t_0", undefined, acme);
    for (const method of ["GET", "DELETE"]) {
      const answer = await app.call(method, `/tokens/${other.body.id}`, undefined, acme);
      assert.deepEqual(
        { ...answer.body, instance: "" },
        { ...unknown.body, instance: "" },
        `${method}: as one that there is not`,
      );
      assert.equal((await app.call(method, "/tokens/admin", undefined, acme)).status, 404);
    }
    assert.equal((await app.call("GET", "/tokens", undefined, admin)).body.items.length, 3);
    const filtered = await app.call("GET", "/tokens?tenant=other&limit=1", undefined, admin);
    assert.equal(filtered.body.items.length, 1);
    assert.equal((await app.call("DELETE", `/tokens/${own.body.id}`, undefined, admin)).status, 204);
  });

  it("are listed page by page, with a link to the next", async () => {
    await using app = await startApp(settings);
    for (const name of ["a", "b", "c"]) await tokenOf(app, { name });
    const first = await app.call("GET", "/tokens?limit=2", undefined, admin);
    const link = /^<(.*)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await app.call("GET", link, undefined, admin);
    assert.deepEqual(
      [...first.body.items, ...second.body.items].map(({ name }) => name),
      ["a", "b", "c"],
    );
    assert.equal(second.body.next, null);
  });
});

describe("DELETE /tokens/{id}", () => {
  it("revokes at once; a token may revoke itself; the admin token stays", async () => {
    await using app = await startApp(settings);
    const made = await post(app);
    const own = bearer(made.body.token);
    assert.equal((await app.call("GET", "/session", undefined, own)).status, 200);
    assert.equal((await app.call("DELETE", `/tokens/${made.body.id}`, undefined, own)).status, 204);
    assert.equal((await app.call("GET", "/session", undefined, own)).status, 401);
    assert.equal((await app.call("GET", `/tokens/${made.body.id}`, undefined, admin)).status, 404);
    const refused = await app.call("DELETE", "/tokens/admin", undefined, admin);
    assert.deepEqual([refused.status, refused.body.code], [409, "configured-token"]);
  });
});

describe("a server without tokens", () => {
  it("says that access control is off, and how to turn it on", async () => {
    await using app = await startApp();
    for (const [method, path, body] of [
      ["GET", "/tokens"],
      ["POST", "/tokens", {}],
      ["DELETE", "/tokens/x"],
      ["POST", "/stream-tickets", {}],
      ["DELETE", "/stream-tickets/x"],
      ["GET", "/session"],
      ["POST", "/session"],
    ] as const) {
      const answer = await app.call(method, path, body);
      assert.deepEqual([answer.status, answer.body.code], [409, "access-control-off"], `${method} ${path}`);
      assert.match(answer.body.hint, /CONNACK_ADMIN_TOKEN/);
    }
    assert.equal((await app.call("GET", "/connections")).status, 200);
  });
});
