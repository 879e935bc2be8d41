import { Access } from "./access/access.ts";
import type { Principal } from "./access/principal.ts";
import { readAdminToken } from "./admin-token-file.ts";
import type { Clock } from "./clock.ts";
import { readJwt } from "./jwt-settings.ts";
import type { Logger } from "./log.ts";
import { isLoopback, type Settings } from "./settings.ts";
import type { Lease, Store } from "./store/store.ts";

/** @throws {Error} where others could call who need no token */
export async function openAccess(
  settings: Settings,
  logger: Logger,
  clock: Clock,
  anyone: Principal | undefined,
  { store, lease }: { readonly store: Store; readonly lease: Lease },
): Promise<Access> {
  const { maxTokens, tenantMaxTokens, host } = settings;
  const adminToken = readAdminToken(settings);
  const foreign = readJwt(settings, clock);
  const access = await Access.start({
    store,
    lease,
    clock,
    logger,
    maxTokens,
    tenantMaxTokens,
    adminToken,
    anyone,
    foreign,
  });
  if (!access.isOpen || isLoopback(host)) return access;
  await access[Symbol.asyncDispose]();
  throw new Error(
    `CONNACK_HOST=${JSON.stringify(host)} can be reached from other machines, and no token is configured; set CONNACK_ADMIN_TOKEN, or make one with connack token create, or listen on 127.0.0.1`,
  );
}
