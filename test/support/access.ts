import assert from "node:assert/strict";
import { Access, type AccessDeps } from "../../src/access/access.ts";
import { tokenRequestSchema, type TokenRequest } from "../../src/access/token-request.ts";
import { createLogger } from "../../src/log.ts";
import { Secret } from "../../src/secret.ts";
import type { Store } from "../../src/store/store.ts";
import { RiggedStore } from "./rigged-store.ts";

export type TestAccess = Access;

export interface AccessScene {
  readonly store?: Store;
  readonly adminToken?: string | null;
  readonly maxTokens?: number;
  readonly tenantMaxTokens?: number;
  readonly wall?: () => number;
  readonly foreign?: AccessDeps["foreign"];
}

export const adminToken = "0123456789abcdef0123456789abcdef";

export const quiet = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });

/** Access control on a store that the test plays, with an admin token unless it says otherwise. */
export async function startAccess(scene: AccessScene = {}): Promise<Access> {
  const { store = new RiggedStore(), maxTokens = 1_000, wall = Date.now, foreign = null } = scene;
  const { tenantMaxTokens = maxTokens } = scene;
  const admin = scene.adminToken === undefined ? adminToken : scene.adminToken;
  return Access.start({
    ...{ store, maxTokens, tenantMaxTokens, foreign },
    lease: await store.acquire(),
    clock: { wall, monotonic: () => performance.now() },
    logger: quiet,
    adminToken: admin === null ? null : new Secret(admin),
  });
}

/** A request for a token, with what a test does not care about filled in. */
export function request(fields: object = {}): TokenRequest {
  return tokenRequestSchema.parse({ name: "test", scopes: ["connections:read"], ...fields });
}

/** What the check says, which for these tokens it says at once. */
export function whoIs(access: Access, text: string) {
  const found = access.check(text);
  assert.ok(!(found instanceof Promise));
  return found;
}
