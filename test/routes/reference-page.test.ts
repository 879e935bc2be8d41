import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { catalogue } from "../../src/problem-catalogue.ts";
import { calls } from "../../routes/reference/calls.ts";
import { startApp } from "../support/app.ts";
import { withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

async function pageOf() {
  await using app = await startApp(withTokens);
  const { status, text, headers } = await app.call("GET", "/docs");
  assert.equal(status, 200, text);
  return { text, headers };
}

describe("GET /docs", () => {
  it("is a page that needs no token, and has every call", async () => {
    const { text, headers } = await pageOf();
    assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
    for (const [name, { id, summary }] of Object.entries(calls)) {
      assert.ok(text.includes(`<article id="${id}">`), id);
      assert.ok(text.includes(summary) && text.includes(`<code>${name}</code>`), name);
    }
  });

  it("has no scripts, and loads nothing: its policy allows one style, which is the one in it", async () => {
    const { text, headers } = await pageOf();
    const policy = headers.get("content-security-policy") ?? "";
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    const digest = createHash("sha256").update(style).digest("base64");
    assert.deepEqual(policy.split("; "), [
      "default-src 'none'",
      `style-src 'sha256-${digest}'`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    assert.equal(text.split("<style").length, 2);
    assert.doesNotMatch(
      text,
      /<(script|link|img|iframe|object|embed|form|base|svg)\b|\sstyle=|\son\w+=|\ssrc=/i,
    );
    assert.doesNotMatch(style, /@import|url\(/);
    for (const [, target = ""] of text.matchAll(/\shref="([^"]*)"/g)) assert.match(target, /^(#|\/(?!\/))/);
  });

  it("links to what is there: its own sections, and the meanings of problems", async () => {
    await using app = await startApp(withTokens);
    const { text } = await app.call("GET", "/docs");
    const ids = new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
    const targets = new Set([...text.matchAll(/\shref="([^"]*)"/g)].map(([, target = ""]) => target));
    for (const target of targets) {
      if (target.startsWith("#")) assert.ok(ids.has(target.slice(1)), target);
      else assert.equal((await app.call("GET", target)).status, 200, target);
    }
    for (const code of Object.keys(catalogue).filter((each) => each !== "round-trip-failed"))
      assert.ok(targets.has(`/problems/${code}`), code);
  });

  it("is closed where it is opened, so that nothing of a text gets into the page", async () => {
    const { text } = await pageOf();
    const open: string[] = [];
    for (const [, end, name = ""] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (name === "meta") continue;
      if (end === "") open.push(name);
      else assert.equal(open.pop(), name);
    }
    assert.deepEqual(open, []);
  });
});
