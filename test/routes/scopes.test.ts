import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { scopes, type Scope } from "../../src/access/principal.ts";
import { startApp } from "../support/app.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

const root = resolve(import.meta.dirname, "../..");

/** `GET /connections/{id}`, and the like. */
type CallName = string;

/** Every call that there is, out of the sources, so that none is forgotten. */
function callsOfSources(): CallName[] {
  const folder = join(root, "routes");
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const forms = [/method: "(\w+)",\s*path: "([^"]+)"/g, /\bapp\.(get|post|put|patch|delete)\(\s*"([^"]+)"/g];
  const found = texts.flatMap((text) => forms.flatMap((form) => Array.from(text.matchAll(form))));
  const names = found.map(
    ([, method = "", path = ""]) => `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`,
  );
  return [...new Set(names)].toSorted();
}

/** README's table of scopes: by its first cell, the calls. */
function callsOfReadme(): ReadonlyMap<string, readonly CallName[]> {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, section = ""] = readme.split("### What a token may do");
  const table = section.trimStart().split("\n\n")[0] ?? "";
  const rows = table
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(
    rows.map(([, who = "", calls = ""]) => [
      who.replaceAll("`", ""),
      [...calls.matchAll(/`([A-Z]+ \S+)`/g)].map(([, name = ""]) => name.replace("…", "/connections/{id}")),
    ]),
  );
}

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
