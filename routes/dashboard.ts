import { Problem } from "../src/problem.ts";
import type { App, AppContext } from "./context.ts";
import { loadAssets, type Asset } from "./dashboard/assets.ts";

/**
 * What the page may do: run this server's scripts and call this server, nothing else. No text becomes markup, whoever
 * wrote it: browsers that know trusted types refuse it even where a script would ask for it.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/**
 * `GET /`: the dashboard. It is the same for everybody, and has nothing of anybody in it: what it shows it asks for by the
 * calls that everybody else has, with the rights of who has signed in.
 */
export function mountDashboard(app: App): void {
  const assets = loadAssets();
  app.get("/", (c) => send(c, assets.get("index.html")));
  app.get("/dashboard/:file", (c) => send(c, assets.get(c.req.param("file"))));
}

function send(c: AppContext, asset: Asset | undefined): Response {
  if (asset === undefined) throw new Problem("not-found", "The dashboard has no such file");
  const { body, type, etag } = asset;
  // Asked for each time, so that a page and its scripts are never of two versions.
  c.header("Cache-Control", "no-cache");
  c.header("ETag", etag);
  // With a 304, too: its headers replace those that the browser has kept (RFC 9111 §3.2).
  c.header("Content-Security-Policy", pagePolicy);
  if (c.req.header("if-none-match") === etag) return c.body(null, 304);
  return c.body(body, 200, { "content-type": type });
}
