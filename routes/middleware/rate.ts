import { createMiddleware } from "hono/factory";
import { anyone } from "../../src/access/principal.ts";
import type { Rates } from "../../src/rates.ts";
import type { Tenant } from "../../src/tenant.ts";
import type { Rate } from "../../src/rate.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { problemResponse } from "./problems.ts";

/** They must answer when everything else is too much. */
const exempt = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * Lets so many calls of a tenant through in a second. Goes after the tenant is known. The answers to those who have a
 * token say how many are left, and all do where `isSaidToAll`.
 */
export function limitRate(rates: Rates, isSaidToAll: boolean) {
  // Not asynchronous itself: it stands in front of every call.
  return createMiddleware<AppEnv>((c, next) => {
    const { principal } = c.var;
    // Whoever is nobody has no tenant, and takes from what there is in all.
    const tenant: Tenant | undefined = c.get("tenant");
    if (tenant !== undefined) c.set("counters", tenant.counters);
    if (exempt.has(c.req.path)) return next();
    const rate = (tenant?.rates ?? rates).requests;
    const full = rate.take();
    if (full !== null) return Promise.resolve(say(rate, problemResponse(c, full.problem())));
    return isSaidToAll || principal.id !== anyone ? saying(c, rate, next) : next();
  });
}

async function saying(c: AppContext, rate: Rate, next: () => Promise<void>): Promise<void> {
  await next();
  say(rate, c.res);
}

/** As draft-ietf-httpapi-ratelimit-headers-10 has it: the quota and its window in seconds; what is left, and for how long. */
function say(rate: Rate, response: Response): Response {
  const name = rate.setting.startsWith("CONNACK_TENANT_") ? '"tenant"' : '"server"';
  const { headers } = response;
  headers.set("ratelimit-policy", `${name};q=${rate.most};w=${rate.kind.periodMs / 1_000}`);
  headers.set("ratelimit", `${name};r=${rate.left};t=${rate.secondsToFull}`);
  return response;
}
