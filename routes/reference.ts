import type { App, Services } from "./context.ts";
import { documentOf } from "./reference/document.ts";
import { pageOf, pagePolicy } from "./reference/page.ts";

/** `/openapi.json`: what there is to call; and `/docs`, the same for people. */
export function mountReference(app: App, { version }: Services): void {
  let made: Promise<Reference> | undefined;
  // When somebody asks for the first time: all routes are there, and a start that nobody reads about is not slower.
  const reference = () => (made ??= make(app, version));
  app.get("/openapi.json", async (c) =>
    c.body((await reference()).json, 200, { "content-type": "application/json" }),
  );
  app.get("/docs", async (c) =>
    c.body((await reference()).page, 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": pagePolicy,
    }),
  );
}

interface Reference {
  readonly json: string;
  readonly page: string;
}

async function make(app: App, version: string): Promise<Reference> {
  const document = documentOf(app, version);
  return { json: JSON.stringify(document), page: (await pageOf(document)).toString() };
}
