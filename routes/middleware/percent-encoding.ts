import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { readQuery } from "../publish-query.ts";

/**
 * Refuses a query that is not percent-encoded UTF-8: 422 that names the parameter. The framework would leave it as it is
 * written, and a topic would be another one.
 */
export function checkEncoding() {
  return createMiddleware<AppEnv>((c, next) => {
    if (c.req.url.includes("%")) readQuery(c.req.url);
    return next();
  });
}
