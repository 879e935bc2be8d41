import { createMiddleware } from "hono/factory";
import type { Principal } from "../../src/access/principal.ts";
import type { Tenant } from "../../src/tenant.ts";
import type { AppContext, AppEnv, Services } from "../context.ts";
import { findPrincipal } from "./access.ts";
import { browserSafety } from "./browser-safety.ts";
import { sayRate, takeRate } from "./rate.ts";
import { nameRequest } from "./request-id.ts";
import { protectAnswer } from "./response-headers.ts";

/**
 * What is done for every call before anything else, and to every answer after everything else. It is one middleware, and
 * {@link admitting} another, since each costs more than all that these do: a promise or two for every call.
 */
export function answering({ counters }: Pick<Services, "counters">) {
  return createMiddleware<AppEnv>((c, next) => {
    nameRequest(c);
    // Until its tenant is known, a call counts for none.
    c.set("counters", counters);
    return next().then(() => finish(c));
  });
}

function finish(c: AppContext): void {
  c.get("counters")?.answered(c.res.status);
  protectAnswer(c);
  sayRate(c);
  c.get("releaseSignal")?.();
}

type Door = Pick<Services, "access" | "browsers" | "tenants" | "rates" | "tellsRates">;

/**
 * Lets in who may come in: from where it may be called, by whom, and not too often. From here on there are `principal`
 * and, unless that is nobody, `tenant`: the routes have no other way to anything.
 */
export function admitting(door: Door) {
  const checkBrowser = browserSafety(door.browsers);
  // Not asynchronous itself: it stands in front of every call.
  return createMiddleware<AppEnv>((c, next) => {
    checkBrowser(c);
    const principal = findPrincipal(c, door.access);
    return principal instanceof Promise
      ? principal.then((found) => enter(c, found, door, next))
      : enter(c, principal, door, next);
  });
}

function enter(c: AppContext, principal: Principal, door: Door, next: () => Promise<void>): Promise<void> {
  c.set("principal", principal);
  // Whoever is nobody sees only what is nobody's.
  if (principal.tenant === "") return pass(c, null, door, next);
  const tenant = door.tenants.find(principal.tenant);
  if (tenant !== null) return pass(c, tenant, door, next);
  return door.tenants.get(principal.tenant).then((opened) => pass(c, opened, door, next));
}

function pass(
  c: AppContext,
  tenant: Tenant | null,
  { rates, tellsRates }: Door,
  next: () => Promise<void>,
): Promise<void> {
  if (tenant !== null) {
    c.set("tenant", tenant);
    c.set("counters", tenant.counters);
  }
  takeRate(c, tenant, rates, tellsRates);
  return next();
}
