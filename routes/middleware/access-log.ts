import { createMiddleware } from "hono/factory";
import type { Clock } from "../../src/clock.ts";
import type { Logger } from "../../src/log.ts";
import type { AppEnv } from "../context.ts";

/** One line a request, at debug level; the path without its query, where callers put what is not for logs. */
export function accessLog(logger: Logger, clock: Clock) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const started = clock.monotonic();
    await next();
    const ms = Math.round((clock.monotonic() - started) * 10) / 10;
    logger.debug("request", {
      requestId: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms,
    });
  });
}
