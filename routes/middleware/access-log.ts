import { createMiddleware } from "hono/factory";
import type { Clock } from "../../src/clock.ts";
import type { Logger } from "../../src/log.ts";
import type { AppEnv } from "../context.ts";

/** One of ours, which somebody has put into a path in the place of its id. */
const token = /(cnk_[0-9a-f]{16}_)[A-Za-z0-9_-]+/g;

/**
 * One line a request, at debug level; the path without its query, where callers put what is not for logs, and of a token
 * its public part alone.
 */
export function accessLog(logger: Logger, clock: Clock) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const started = clock.monotonic();
    await next();
    const ms = Math.round((clock.monotonic() - started) * 10) / 10;
    logger.debug("request", {
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path.replaceAll(token, "$1…"),
      status: c.res.status,
      ms,
    });
  });
}
