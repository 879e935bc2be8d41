import { defaultTenant } from "./access/principal.ts";
import type { AttemptDeps } from "./broker/attempt.ts";
import { createResolver } from "./broker/resolver.ts";
import type { AppOverrides } from "./app-overrides.ts";
import type { Clock } from "./clock.ts";
import { ClientIds } from "./connection/identity.ts";
import type { SessionLimits } from "./connection/session.ts";
import type { Keeping } from "./connection/stored-connection.ts";
import type { EgressPolicy } from "./egress/policy.ts";
import { withFields, type Logger } from "./log.ts";
import { AttemptTurnstile } from "./metrics/attempt-turnstile.ts";
import { sealerFor } from "./sealing.ts";
import type { Settings } from "./settings.ts";
import { Journal } from "./store/journal.ts";
import { ScopedStore } from "./store/scoped-store.ts";
import { tenantShares, type Shares } from "./shares.ts";
import type { TenantDeps } from "./tenant.ts";
import type { MakeDeps } from "./tenants.ts";
import { Dispatcher } from "./webhooks/dispatcher.ts";

/** What there is of everything, before it is divided among tenants. */
export type Foundation = Omit<Keeping, "journal">;

export interface TenantParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly egress: EgressPolicy;
  readonly overrides: AppOverrides;
  readonly foundation: Foundation;
  /** What there may be in all. */
  readonly all: Shares;
  readonly onRestoring: TenantDeps["onRestoring"];
}

/** Gives each tenant what is its own, and a share in what is not. */
export function tenantMaker(parts: TenantParts): MakeDeps {
  const { settings, logger, clock, random, egress, overrides, foundation, all, onRestoring } = parts;
  const { tenants } = overrides;
  const clientIds = tenants?.clientIds ?? new ClientIds();
  const dispatcher = new Dispatcher(settings.maxWebhookRequests);
  const attempt = attemptDeps(settings, logger, clock, egress, overrides);
  return (name) => {
    const isDefault = name === defaultTenant;
    const ownLogger = isDefault ? logger : withFields(logger, { tenant: name });
    const store = new ScopedStore(foundation.store, isDefault ? null : name);
    const onTrouble = (error: unknown) =>
      ownLogger.error("nothing can be kept at present", { error: String(error) });
    const keeping: Keeping = {
      ...foundation,
      store,
      sealer: isDefault ? foundation.sealer : sealerFor(name, foundation.sealer),
      journal: new Journal(store, foundation.lease, onTrouble),
    };
    const held = tenants?.hold(name);
    const shares = held?.shares ?? tenantShares(settings, clock.monotonic, all, isDefault);
    const turnstile = new AttemptTurnstile(shares.rates.attempts, shares.counters, overrides.holdDials);
    return {
      ...{
        ...shares,
        release: held?.release ?? null,
        keeping,
        clientIds,
        clock,
        random,
        dispatcher,
        onRestoring,
      },
      attempt: { ...attempt, turnstile },
      logger: ownLogger,
      sessionLimits: sessionLimits(settings),
      maxEvents: settings.maxEvents,
      webhookSchedule: overrides.webhookSchedule,
    };
  };
}

function attemptDeps(
  settings: Settings,
  logger: Logger,
  clock: Clock,
  egress: EgressPolicy,
  overrides: AppOverrides,
): AttemptDeps {
  return {
    resolve: overrides.resolve ?? createResolver(settings.dnsServers),
    policy: overrides.policy ?? egress,
    maxPacketBytes: settings.maxPacketBytes,
    maxInboundBytesPerSecond: settings.maxInboundBytesPerSecond,
    now: clock.monotonic,
    report: (error: unknown) =>
      logger.error("an attempt failed in Connack", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  };
}

function sessionLimits(settings: Settings): SessionLimits {
  const { maxInflight, maxInflightBytes, sendQuota, maxSubscriptions, maxOutbox, maxOutboxBytes } = settings;
  return { maxInflight, maxInflightBytes, sendQuota, maxSubscriptions, maxOutbox, maxOutboxBytes };
}
