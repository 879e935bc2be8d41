import { randomUUID } from "node:crypto";
import { createMiddleware } from "hono/factory";
import type { AppContext, AppEnv } from "../context.ts";

export const requestIdHeader = "x-request-id";

/** What a caller may call its request; anything else could be taken for more than a name in a log. */
const given = /^[\w=-]{1,64}$/;

/**
 * Gives each request a name: the caller's own, or a random one. The framework's middleware would set the header before
 * there is an answer, which makes every answer a slow one.
 */
export function nameRequest(c: AppContext): void {
  const own = c.req.raw.headers.get(requestIdHeader);
  c.set("requestId", own !== null && given.test(own) ? own : randomUUID());
}

/** Says the name in the answer. Problems say it by themselves, and so does who answers without this. */
export function sayRequestId() {
  return createMiddleware<AppEnv>((c, next) => {
    saidIn(c);
    return next();
  });
}

export function saidIn(c: AppContext): void {
  c.header(requestIdHeader, c.get("requestId"));
}
