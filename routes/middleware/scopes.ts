import { createMiddleware } from "hono/factory";
import { hasScope, type Principal, type Scope } from "../../src/access/principal.ts";
import { Problem } from "../../src/problem.ts";
import type { AppEnv } from "../context.ts";

/**
 * Lets only those through who have the scope. Goes before everything else of a route: who may not, learns nothing of what is
 * there.
 */
export function needs(scope: Scope) {
  return createMiddleware<AppEnv>((c, next) => {
    requireScope(c.var.principal, scope);
    return next();
  });
}

/** @throws {Problem} `forbidden` */
export function requireScope(principal: Principal, scope: Scope): void {
  if (hasScope(principal, scope)) return;
  throw new Problem("forbidden", `This call needs the scope ${scope}, which the token does not have`);
}
