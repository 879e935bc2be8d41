import assert from "node:assert/strict";
import { adminToken } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

const settings = { CONNACK_ADMIN_TOKEN: adminToken };
const admin = { authorization: `Bearer ${adminToken}` };

/** The cookie of a new session, as a browser sends it. */
async function signIn(app: TestApp, headers: Record<string, string> = admin): Promise<string> {
  const { status, text, headers: sent } = await app.call("POST", "/session", undefined, headers);
  assert.equal(status, 201, text);
  return sent.get("set-cookie")?.split(";")[0] ?? "";
}

describe("/session", () => {
  it("begins with a token, and gives a cookie that pages cannot read or send elsewhere", async () => {
    await using app = await startApp(settings);
    const made = await app.call("POST", "/session", undefined, admin);
    assert.equal(made.status, 201, made.text);
    assert.match(
      made.headers.get("set-cookie") ?? "",
      /^__Host-connack=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    assert.deepEqual([made.body.tenant, made.body.scopes.includes("admin")], ["default", true]);
    assert.deepEqual([made.body.publish, made.body.subscribe], [null, null]);
    const left = Date.parse(made.body.expiresAt) - Date.now();
    assert.ok(left > 43_190_000 && left <= 43_200_000);
    const cookie = made.headers.get("set-cookie")?.split(";")[0] ?? "";
    assert.deepEqual((await app.call("GET", "/session", undefined, { cookie })).body, made.body);
    assert.equal((await app.call("GET", "/connections", undefined, { cookie })).status, 200);
    assert.equal((await app.call("GET", "/session", undefined, admin)).body.expiresAt, null);
    const own = { cookie, "sec-fetch-site": "same-origin" };
    assert.equal((await app.call("POST", "/session", undefined, own)).status, 401);
    assert.ok(!app.logs.join("").includes(cookie.slice(15)));
  });

  it("counts for changes from pages of this server only", async () => {
    await using app = await startApp(settings);
    const cookie = await signIn(app);
    const create = (headers: Record<string, string>) =>
      app.call("POST", "/tokens", { name: "x", scopes: ["publish"] }, { cookie, ...headers });
    for (const headers of [
      {},
      { "sec-fetch-site": "none" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: app.url },
      { origin: "null" },
      { origin: "http://127.0.0.1:1" },
    ] as Record<string, string>[]) {
      const answer = await create(headers);
      assert.deepEqual(
        [answer.status, answer.body.code],
        [403, "cross-site-request"],
        JSON.stringify(headers),
      );
    }
    assert.equal((await create({ "sec-fetch-site": "same-origin" })).status, 201);
    assert.equal((await create({ origin: app.url })).status, 201);
  });

  it("does not count beside a token, however wrong that is", async () => {
    await using app = await startApp(settings);
    const cookie = await signIn(app);
    const wrong = await app.call("GET", "/session", undefined, { cookie, authorization: "Bearer wrong" });
    assert.equal(wrong.status, 401);
    const both = await app.call("POST", "/tokens", { name: "x", scopes: ["publish"] }, { cookie, ...admin });
    assert.equal(both.status, 201);
    const said = await app.call("GET", "/session", undefined, { cookie, ...admin });
    assert.equal(said.body.expiresAt, null);
    await app.call("DELETE", "/session", undefined, { cookie, ...admin });
    assert.equal((await app.call("GET", "/session", undefined, { cookie })).status, 200);
  });

  it("ends by DELETE, which clears the cookie, and with its token", async () => {
    await using app = await startApp(settings);
    const cookie = await signIn(app);
    const own = { cookie, "sec-fetch-site": "same-origin" };
    const ended = await app.call("DELETE", "/session", undefined, own);
    assert.equal(ended.status, 204);
    assert.match(ended.headers.get("set-cookie") ?? "", /^__Host-connack=; .*Max-Age=0$/);
    assert.equal((await app.call("GET", "/session", undefined, { cookie })).status, 401);
    const { body } = await app.call("POST", "/tokens", { name: "x", scopes: ["publish"] }, admin);
    const short = await signIn(app, { authorization: `Bearer ${body.token}` });
    assert.equal((await app.call("GET", "/session", undefined, { cookie: short })).status, 200);
    await app.call("DELETE", `/tokens/${body.id}`, undefined, admin);
    assert.equal((await app.call("GET", "/session", undefined, { cookie: short })).status, 401);
  });
});
