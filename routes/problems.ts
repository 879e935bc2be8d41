import { html } from "hono/html";
import { Problem } from "../src/problem.ts";
import { catalogue, type CatalogueEntry } from "../src/problem-catalogue.ts";
import type { App, AppContext } from "./context.ts";

/** `/problems` and `/problems/{code}`: what a problem means, for a person in a browser or at a terminal. */
export function mountProblems(app: App): void {
  const entries: Readonly<Record<string, CatalogueEntry>> = catalogue;
  app.get("/problems", (c) => page(c, "Problems", Object.entries(entries)));
  app.get("/problems/:code", (c) => {
    const code = c.req.param("code");
    const entry = Object.hasOwn(entries, code) ? entries[code] : undefined;
    if (entry === undefined) throw new Problem("not-found", "There is no problem with this code");
    return page(c, entry.title, [[code, entry]]);
  });
}

function page(
  c: AppContext,
  title: string,
  rows: readonly (readonly [string, CatalogueEntry])[],
): Response | Promise<Response> {
  const accept = c.req.header("accept") ?? "";
  if (accept.includes("text/html")) {
    c.header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    return c.html(
      html`<!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8" />
            <title>${title} – Connack</title>
            <style>
              body {
                font: 16px/1.5 system-ui;
                max-width: 46em;
                margin: 2em auto;
                padding: 0 1em;
              }
              code {
                background: #8882;
                padding: 0.1em 0.3em;
              }
            </style>
          </head>
          <body>
            ${rows.map(
              ([code, e]) =>
                html`<h2>${e.title}</h2>
                  <p>
                    <code>${code}</code> · status ${e.status} ·
                    ${e.retryable ? "trying again can help" : "trying again does not help"}
                  </p>
                  <p>${e.meaning}</p>
                  <p>Usual cause: ${e.cause}</p>
                  <p>To check: <code>${e.check}</code></p>`,
            )}
          </body>
        </html>`,
    );
  }
  if (accept.includes("application/json")) return c.json(rows.map(([code, entry]) => ({ code, ...entry })));
  return c.text(
    rows
      .map(
        ([code, e]) =>
          `${code} (${e.status}): ${e.title}\n  ${e.meaning}\n  Usual cause: ${e.cause}\n  Trying again ${e.retryable ? "can" : "does not"} help. To check:\n  ${e.check}\n`,
      )
      .join("\n"),
  );
}
