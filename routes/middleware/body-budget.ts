import { createMiddleware } from "hono/factory";
import { readBody } from "../publish-body.ts";
import type { AppEnv } from "../context.ts";
import { reading } from "./json-body.ts";

const withoutBody = new Set(["GET", "HEAD"]);

/**
 * Reads the body before anything else does: at most `maxBytes`, whether its length is announced or it comes in chunks, and
 * while there is room for it among those that are being read. Whoever asks for it is given what was read.
 */
export function readBodies(maxBytes: number) {
  const limit = { name: "CONNACK_MAX_BODY_BYTES", value: maxBytes };
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!withoutBody.has(c.req.method)) {
      const bytes = await reading(c, () => readBody(c.req.raw, limit, c.get("tenant").budgets.bodyBytes));
      // The framework keeps a promise there, and bytes are as good as their buffer to whoever decodes them.
      c.req.bodyCache.arrayBuffer = Promise.resolve(bytes) as unknown as ArrayBuffer;
    }
    return next();
  });
}
