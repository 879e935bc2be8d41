import { Access, type AccessHome } from "./access/access.ts";
import { Followed, type FollowedDeps } from "./access/followed.ts";
import type { Principal } from "./access/principal.ts";
import { readAdminToken } from "./admin-token-file.ts";
import type { Clock } from "./clock.ts";
import { readJwt } from "./jwt-settings.ts";
import type { Logger } from "./log.ts";
import { isLoopback, type Settings } from "./settings.ts";
import type { Following } from "./store/following.ts";
import type { Lease, Store } from "./store/store.ts";

/** Where tokens, sessions and stream tickets are: in this store, which other nodes follow, or in what is followed. */
export type AccessRole = AccessHome | Followed;

/**
 * What all cells of a node have of those of another one. `reportUses` brings to its owner which tokens were used.
 *
 * @throws {Error} where others could call who need no token
 */
export async function openFollowed(
  settings: Settings,
  logger: Logger,
  clock: Clock,
  following: Following,
  reportUses?: FollowedDeps["reportUses"],
): Promise<Followed> {
  const adminToken = readAdminToken(settings);
  const takesForeign = readJwt(settings, clock) !== null;
  const followed = await Followed.start({ following, clock, logger, adminToken, takesForeign, reportUses });
  if (adminToken !== null || takesForeign || followed.tokens.isOn) return followed;
  // None of its cells could begin, again and again, and nobody else would have what it was given.
  return closedTo(settings, followed);
}

/** @throws {Error} where it is open, and others can call */
async function closedTo<T extends AsyncDisposable>({ host }: Settings, open: T): Promise<T> {
  if (isLoopback(host)) return open;
  await open[Symbol.asyncDispose]();
  throw new Error(
    `CONNACK_HOST=${JSON.stringify(host)} can be reached from other machines, and no token is configured; set CONNACK_ADMIN_TOKEN, or make one with connack token create, or listen on 127.0.0.1`,
  );
}

/** @throws {Error} where others could call who need no token */
export async function openAccess(
  settings: Settings,
  logger: Logger,
  clock: Clock,
  anyone: Principal | undefined,
  { store, lease }: { readonly store: Store; readonly lease: Lease },
  follow?: AccessRole,
): Promise<Access> {
  const adminToken = readAdminToken(settings);
  const foreign = readJwt(settings, clock);
  const common = { logger, adminToken, anyone, foreign };
  const { maxTokens, tenantMaxTokens } = settings;
  const own = { ...common, store, lease, clock, maxTokens, tenantMaxTokens };
  const access =
    follow instanceof Followed
      ? Access.follow({ ...common, followed: follow })
      : await Access.start({ ...own, home: follow });
  return access.isOpen ? closedTo(settings, access) : access;
}
