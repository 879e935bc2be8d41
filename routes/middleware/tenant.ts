import { createMiddleware } from "hono/factory";
import type { Tenant } from "../../src/tenant.ts";
import type { Tenants } from "../../src/tenants.ts";
import type { AppContext, AppEnv } from "../context.ts";

/** Puts what belongs to the principal's tenant where the routes find it: they have no other way to anything. */
export function ofTenant(tenants: Tenants) {
  // Not asynchronous itself: it stands in front of every call, and a tenant is new only once.
  return createMiddleware<AppEnv>((c, next) => {
    const { tenant: name } = c.var.principal;
    // Whoever is nobody sees only what is nobody's.
    if (name === "") return next();
    const tenant = tenants.find(name);
    if (tenant === null) return open(c, tenants.get(name), next);
    c.set("tenant", tenant);
    return next();
  });
}

async function open(c: AppContext, opening: Promise<Tenant>, next: () => Promise<void>): Promise<void> {
  c.set("tenant", await opening);
  await next();
}
