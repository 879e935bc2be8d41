import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A file of the page, as it is served: as it is. */
export interface Asset {
  readonly body: string;
  readonly type: string;
  readonly etag: string;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** By hand: what else may be in the folder is nobody's. */
const names = [
  "index.html",
  "style.css",
  "parts.css",
  "main.js",
  "api.js",
  "connect.js",
  "connections.js",
  "curl.js",
  "detail.js",
  "dom.js",
  "list.js",

  "timeline.js",
  "traffic.js",
  "words.js",
] as const;

export function loadAssets(): ReadonlyMap<string, Asset> {
  return new Map(names.map((name) => [name, load(name)]));
}

function load(name: string): Asset {
  const body = readFileSync(new URL(`client/${name}`, import.meta.url), "utf8");
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { body, type: types[name.slice(name.lastIndexOf(".") + 1)] ?? "text/plain", etag: `"${hash}"` };
}
