import { createMiddleware } from "hono/factory";
import type { Access } from "../src/access/access.ts";
import { Problem } from "../src/problem.ts";
import type { AppEnv } from "./context.ts";

/** For calls that mean nothing on a server without tokens. */
export function requireAccessControl(access: Access) {
  return createMiddleware<AppEnv>((_c, next) => {
    if (!access.isOpen) return next();
    throw new Problem("access-control-off", {
      detail: "This server has no tokens, and takes every call as one with every right",
      hint: "Set CONNACK_ADMIN_TOKEN, or make a token with: connack token create; and start again.",
    });
  });
}
