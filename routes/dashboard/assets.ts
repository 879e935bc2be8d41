import { createHash } from "node:crypto";
import { files } from "./files.js";
import { renderPage } from "./page/page.tsx";

/** A file of the page, as it is served. */
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

export function loadAssets(): ReadonlyMap<string, Asset> {
  const all = { "index.html": renderPage(), ...files };
  return new Map(Object.entries(all).map(([name, body]) => [name, load(name, body)]));
}

function load(name: string, body: string): Asset {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { body, type: types[name.slice(name.lastIndexOf(".") + 1)] ?? "text/plain", etag: `"${hash}"` };
}
