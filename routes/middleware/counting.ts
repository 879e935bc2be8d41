import { createMiddleware } from "hono/factory";
import type { Counters } from "../../src/metrics/counters.ts";
import type { AppEnv } from "../context.ts";

/** Counts every answer; goes first. Until the tenant is known a call counts for none. */
export function counting(counters: Counters) {
  return createMiddleware<AppEnv>((c, next) => {
    c.set("counters", counters);
    return next().then(() => c.var.counters?.answered(c.res.status));
  });
}
