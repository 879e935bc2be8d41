import assert from "node:assert/strict";
import { adminToken } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

const settings = { CONNACK_ADMIN_TOKEN: adminToken };

async function refused(app: TestApp, headers: Record<string, string>, path = "/connections") {
  const answer = await app.call("GET", path, undefined, headers);
  assert.deepEqual([answer.status, answer.body.code], [401, "unauthorized"], JSON.stringify(headers));
  return answer;
}

describe("access()", () => {
  it("lets in by a Bearer token alone, whatever the case of the scheme", async () => {
    await using app = await startApp(settings);
    for (const scheme of ["Bearer", "bearer", "BEARER", "Bearer  "])
      assert.equal(
        (await app.call("GET", "/connections", undefined, { authorization: `${scheme} ${adminToken}` }))
          .status,
        200,
        scheme,
      );
    const missing = await refused(app, {});
    assert.equal(missing.headers.get("www-authenticate"), "Bearer");
    assert.equal(missing.body.challenge, undefined);
    const basic = await refused(app, { authorization: `Basic ${btoa(`admin:${adminToken}`)}` });
    assert.equal(basic.headers.get("www-authenticate"), "Bearer");
    for (const authorization of [
      `Bearer ${adminToken}x`,
      `Bearer ${adminToken.slice(1)}`,
      `Bearer ${adminToken} ${adminToken}`,
      `Bearer ${adminToken}, Bearer ${adminToken}`,
      "Bearer",
      `Bearer ${"x".repeat(9_000)}`,
    ]) {
      const answer = await refused(app, { authorization });
      assert.equal(answer.headers.get("www-authenticate"), 'Bearer error="invalid_token"', authorization);
    }
    assert.ok(!app.logs.join("").includes(adminToken.slice(1)));
  });

  it("answers 401 alike for what there is and what there is not", async () => {
    await using app = await startApp(settings);
    for (const path of [
      "/connections/x",
      "/nothing",
      "/events",
      "/tokens",
      "/version",
      "/metrics",
      "/problems/a/b",
    ])
      await refused(app, {}, path);
    const posted = await app.call("POST", "/connections", { url: "mqtt://127.0.0.1:1" });
    assert.equal(posted.status, 401);
    assert.equal((await app.call("POST", "/healthz", {})).status, 401);
  });

  it("shows everybody whether it is there, and what its problems mean; operators more", async () => {
    await using app = await startApp(settings);
    for (const path of ["/healthz", "/problems", "/problems/unauthorized"])
      assert.equal((await app.call("GET", path)).status, 200, path);
    assert.deepEqual((await app.call("GET", "/readyz")).body, { ready: true });
    const full = await app.call("GET", "/readyz", undefined, { authorization: `Bearer ${adminToken}` });
    assert.ok("connections" in full.body && "store" in full.body);
    await refused(app, { authorization: "Bearer wrong" }, "/readyz");
  });

  it("refuses tokens in the query, and has them in no log", async () => {
    await using app = await startApp(settings);
    for (const name of ["access_token", "token"]) {
      const { body, text } = await refused(app, {}, `/connections?${name}=${adminToken}`);
      assert.match(body.detail, /Authorization: Bearer/);
      assert.ok(!text.includes(adminToken));
      await refused(app, { authorization: `Bearer ${adminToken}` }, `/connections?${name}=${adminToken}`);
    }
    assert.ok(!app.logs.join("").includes(adminToken));
  });
});
