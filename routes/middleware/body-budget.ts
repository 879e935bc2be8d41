import { createMiddleware } from "hono/factory";
import type { Budget } from "../../src/budget.ts";
import type { AppEnv } from "../context.ts";
import { reading } from "./json-body.ts";

/**
 * Reads the body before anything else does, while there is room for it among those that are being read: many callers
 * that each send what one may send are more than this server holds. Goes behind what bounds one body.
 */
export function readBodies(maxBytes: number) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const bytes = announced(c.req.raw, maxBytes);
    if (bytes > 0)
      await withRoom(c.var.tenant.budgets.bodyBytes, bytes, () => reading(c, () => c.req.arrayBuffer()));
    return next();
  });
}

/**
 * Runs `read` while so many bytes of bodies count as being read. One that is the only one is always read: what a single
 * body may have is another setting's.
 *
 * @throws {Problem} `limit-reached`
 */
export async function withRoom<T>(budget: Budget, bytes: number, read: () => Promise<T>): Promise<T> {
  const full = budget.check(bytes);
  if (full !== null && full.used > 0) throw full.problem("bytes of request bodies being read", 1);
  budget.force(bytes);
  try {
    return await read();
  } finally {
    budget.give(bytes);
  }
}

/** How long a body says that it will be; as long as it may be, where it says nothing. */
function announced({ method, headers, body }: Request, maxBytes: number): number {
  if (method === "GET" || method === "HEAD") return 0;
  const length = headers.get("content-length");
  if (length !== null && !headers.has("transfer-encoding")) return Number(length) || 0;
  return body === null ? 0 : maxBytes;
}
