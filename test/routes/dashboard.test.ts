import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { adminToken } from "../support/access.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { describe, it } from "../support/test.ts";

const folder = join(import.meta.dirname, "../../routes/dashboard/client");
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** The page and, by what each file names, all that a browser loads for it. */
async function load(app: TestApp): Promise<ReadonlyMap<string, { text: string; headers: Headers }>> {
  const found = new Map<string, { text: string; headers: Headers }>();
  const queue = ["/"];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (found.has(path)) continue;
    const { status, text, headers } = await app.call("GET", path);
    assert.equal(status, 200, path);
    found.set(path, { text, headers });
    const links = [...text.matchAll(/<(?:script|link)[^>]*\s(?:src|href)="(\/[^"]+)"/g)].map(
      ([, link]) => link!,
    );
    const imports = [...text.matchAll(/^import .*? from "([^"]+)";$/gm)].map(([, name]) => name!);
    queue.push(...links, ...imports.map((name) => new URL(name, `http://x${path}`).pathname));
  }
  return found;
}

describe("the dashboard", () => {
  it("is a page of files of this server alone, each of its type, asked for again each time", async () => {
    await using app = await startApp();
    const files = await load(app);
    const loaded = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name));
    assert.deepEqual(
      [...files.keys()].toSorted(),
      ["/", ...loaded.map((name) => `/dashboard/${name}`)].toSorted(),
    );
    for (const [path, { text, headers }] of files) {
      const type = path === "/" ? "text/html" : path.endsWith(".css") ? "text/css" : "text/javascript";
      assert.equal(headers.get("content-type"), `${type}; charset=utf-8`, path);
      assert.equal(headers.get("cache-control"), "no-cache", path);
      assert.equal(headers.get("content-security-policy"), policy, path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
      // A name, which nothing is loaded from.
      const addresses = text.replaceAll("http://www.w3.org/2000/svg", "");
      assert.doesNotMatch(addresses, /https?:\/\/|^\s*@import|\burl\(/m, `${path} names another host`);
      assert.ok(text.split("\n").length <= 300, `${path} is long`);
    }
  });

  it("never makes markup of text", async () => {
    await using app = await startApp();
    for (const [path, { text }] of await load(app)) {
      assert.doesNotMatch(
        text,
        /innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|parseFromString|createContextualFragment|srcdoc|\beval\b|new Function|javascript:/,
        path,
      );
      if (path === "/") assert.doesNotMatch(text, /<style|<script(?![^>]*\ssrc=)|\s(on\w+|style)=/);
    }
  });

  it("says that nothing has changed, with the policy that still holds", async () => {
    await using app = await startApp();
    for (const path of ["/", "/dashboard/main.js"]) {
      const etag = (await app.call("GET", path)).headers.get("etag") ?? "";
      const again = await app.call("GET", path, undefined, { "if-none-match": etag });
      assert.deepEqual([again.status, again.text, again.headers.get("etag")], [304, "", etag]);
      assert.equal(again.headers.get("content-security-policy"), policy);
    }
  });

  it("is there without a token, and has nothing of anybody in it", async () => {
    await using app = await startApp({ CONNACK_ADMIN_TOKEN: adminToken });
    const authorization = `Bearer ${adminToken}`;
    for (const [path, { text }] of await load(app))
      assert.equal((await app.call("GET", path, undefined, { authorization })).text, text, path);
    assert.equal((await app.call("GET", "/connections")).status, 401);
    assert.equal((await app.call("POST", "/")).status, 401);
  });

  it("serves no file beside its own", async () => {
    await using app = await startApp();
    for (const name of ["model.ts", "tsconfig.json", "none.js", "index", "__proto__", "..%2fassets.ts", ""])
      assert.equal((await app.call("GET", `/dashboard/${name}`)).status, 404, name);
    assert.equal((await app.call("POST", "/")).status, 405);
  });
});
