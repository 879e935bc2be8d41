import { createMiddleware } from "hono/factory";
import { requireScope } from "../../src/access/forbidden.ts";
import type { Scope } from "../../src/access/principal.ts";
import type { AppEnv } from "../context.ts";

/**
 * Lets only those through who have the scope. Goes before everything else of a route: who may not, learns nothing of what is
 * there.
 */
export function needs(scope: Scope) {
  return createMiddleware<AppEnv>((c, next) => {
    requireScope(c.get("principal"), scope);
    return next();
  });
}
