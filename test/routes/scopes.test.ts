import assert from "node:assert/strict";
import { scopes, type Scope } from "../../src/access/principal.ts";
import { startApp } from "../support/app.ts";
import { callsOfReadme, callsOfSources, type CallName } from "../support/calls-of-sources.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

const values: Readonly<Record<string, string>> = { id: "none", filter: "a", mid: "x-1", message: "o_1" };

/** The call with something in its path; there need be nothing of that. */
function made(name: CallName): readonly [method: string, path: string, body?: object] {
  const [method = "", template = ""] = name.split(" ");
  // Not as a stream, which has no end.
  if (name === "GET /events") return [method, "/events?format=json"];
  const id = template.startsWith("/tokens") ? "t_0000000000000000" : values["id"];
  const path = template.replaceAll(
    /\{(\w+)\}/g,
    (_, key: string) => (key === "id" ? id : values[key]) ?? "x",
  );
  return method === "GET" || method === "DELETE" ? [method, path] : [method, path, {}];
}

const table = callsOfReadme();

describe("scopes", () => {
  it("are in the README for each call that there is, once", () => {
    assert.deepEqual([...table.values()].flat().toSorted(), callsOfSources());
    assert.deepEqual([...table.keys()], [...scopes, "any", "no token"]);
  });

  it("let a call through that has the one it needs, and none that has all the others", async () => {
    await using app = await startApp(withTokens);
    for (const scope of scopes) {
      const others = scopes.filter((each): each is Scope => each !== scope && each !== "admin");
      const has = await callerOf(app, { scopes: [scope] });
      const lacks = await callerOf(app, { scopes: others });
      for (const name of table.get(scope) ?? []) {
        const [method, path, body] = made(name);
        const refused = await lacks.call(method, path, body);
        assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"], `${name}: ${refused.text}`);
        assert.ok(refused.body.detail.includes(`the scope ${scope},`), `${name}: ${refused.body.detail}`);
        const passed = await has.call(method, path, body);
        assert.ok(passed.status < 500 && ![401, 403].includes(passed.status), `${name}: ${passed.text}`);
      }
    }
  });

  it("of an admin include the others", async () => {
    await using app = await startApp(withTokens);
    const admin = await callerOf(app, { scopes: ["admin"], tenant: "acme" });
    for (const name of [...table.values()].flat()) {
      const { status, text } = await admin.call(...made(name));
      assert.ok(status < 500 && ![401, 403].includes(status), `${name}: ${text}`);
    }
  });

  it("do not matter to the rest, of which some need no token", async () => {
    await using app = await startApp(withTokens);
    const caller = await callerOf(app, { scopes: ["publish"] });
    for (const name of table.get("any") ?? []) {
      assert.equal((await app.call(...made(name))).status, 401, name);
      const { status, text } = await caller.call(...made(name));
      assert.ok(status < 500 && ![401, 403].includes(status), `${name}: ${text}`);
    }
    for (const name of table.get("no token") ?? []) {
      const { status, text } = await app.call(...made(name));
      assert.ok(status < 500 && ![401, 403].includes(status), `${name}: ${text}`);
    }
    assert.equal((await caller.call("DELETE", `/tokens/${caller.id}`)).status, 204);
  });
});
