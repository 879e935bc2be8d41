import { v7 as uuidv7 } from "uuid";
import { createRoutes } from "../routes/index.ts";
import { defaultTenant, openPrincipal, type Principal } from "./access/principal.ts";
import { localPolicy, type EgressPolicy } from "./broker/egress.ts";
import type { AttemptDeps } from "./broker/attempt.ts";
import { createResolver, type Resolve } from "./broker/resolver.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { SessionLimits } from "./connection/session.ts";
import { Restart } from "./connection/restart.ts";
import type { Keeping } from "./connection/stored-connection.ts";
import { withFields, type Logger } from "./log.ts";
import { AttemptTurnstile } from "./metrics/attempt-turnstile.ts";
import { families } from "./metrics/families.ts";
import { Metrics } from "./metrics/metrics.ts";
import { createSealer, plainSealer, sealerFor } from "./sealing.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import type { Settings } from "./settings.ts";
import { isRateSet, processShares, tenantShares, type Shares } from "./shares.ts";
import { Journal } from "./store/journal.ts";
import { ScopedStore, tenantsIn } from "./store/scoped-store.ts";
import { StoredTime } from "./stored-time.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/store.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished, type Peer } from "./stream/vanished.ts";
import { Tenants, type MakeDeps } from "./tenants.ts";
import { Dispatcher } from "./webhooks/dispatcher.ts";
import type { Schedule } from "./webhooks/schedule.ts";

/** What the runtime's server gives along with a request. */
export interface RequestContext {
  /** Lifts the runtime's limit on how long a response may be silent; what it returns, called before the end, sets it again. */
  readonly holdOpen?: () => () => void;
  /** The other end of the network connection: the caller, or a proxy. */
  readonly peer?: () => Peer | null;
}

export interface ConnackApp extends AsyncDisposable {
  readonly fetch: (request: Request, context?: RequestContext) => Response | Promise<Response>;
  /** Takes no new work, ends streams and connections gracefully, and resolves when all are closed. */
  close(): Promise<void>;
}

/** Parts that tests replace. */
export interface AppOverrides {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly resolve?: Resolve;
  readonly policy?: EgressPolicy;
  readonly store?: Store;
  readonly principal?: Principal;
  readonly shares?: Shares;
  readonly webhookSchedule?: Schedule;
}

/**
 * Opens the store, brings back what was kept, and builds the service. Connections that came back are dialled from here on.
 *
 * @throws {Error} with a sentence for the operator, when the store cannot be used
 */
export async function createApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides = {},
): Promise<ConnackApp> {
  const keys = readSecretKeys(settings);
  const store = overrides.store ?? (await openStore(settings.store, settings.storeMaxBytes));
  try {
    const sealer = store.survives === "nothing" ? plainSealer : await createSealer(keys);
    const lease = await store.acquire();
    const time = await StoredTime.read(store, overrides.clock ?? systemClock);
    return await buildApp(settings, logger, version, overrides, { store, lease, sealer, time });
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** What there is of everything, before it is divided among tenants. */
type Foundation = Omit<Keeping, "journal">;

async function buildApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides,
  foundation: Foundation,
): Promise<ConnackApp> {
  const { store } = foundation;
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const limits = { heartbeatMs: settings.heartbeatMs, writeTimeoutMs: settings.streamWriteTimeoutMs };
  const streams = new Streams(limits, clock, findVanished);
  const restart = new Restart(settings.dialsAtStart);
  const principal = overrides.principal ?? openPrincipal();
  const all = overrides.shares ?? processShares(settings, clock.monotonic);
  const depsOf = tenantMaker({ settings, logger, clock, random, overrides, foundation, all });
  const tenants = new Tenants(settings.maxTenants, depsOf, (restored) => restart.add(restored));
  await tenants.restore(await tenantsIn(store));
  const unlisten = store.onHealth(() => healthChanged(store, tenants, logger));
  const stopping = new AbortController();
  const routes = createRoutes({
    ...{ tenants, streams, store, clock, random, logger, version, principal },
    counters: all.counters,
    metrics: new Metrics(families),
    serverMetrics: () => ({
      counters: all.counters,
      limits: [...Object.values(all.budgets), ...Object.values(all.rates), tenants.limit],
      registries: [...tenants].map(({ registry }) => registry),
      streams: streams.size,
      server: { version, isStoreHealthy: store.health.state === "open", restoring: restart.left },
    }),
    tellsRates: isRateSet(settings),
    restoring: () => restart.left,
    newId: () => `c_${uuidv7()}`,
    maxBodyBytes: settings.maxBodyBytes,
    maxPayloadBytes: settings.maxPayloadBytes,
    streamWriteTimeoutMs: settings.streamWriteTimeoutMs,
    allowedHosts: settings.allowedHosts,
    accepting: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  });
  const close = async () => {
    stopping.abort();
    restart.stop();
    streams.beginShutdown();
    await tenants.close(settings.shutdownGraceMs);
    streams.shutdown();
    await tenants.end();
    unlisten();
    await store[Symbol.asyncDispose]();
  };
  restart.begin();
  return {
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface TenantParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly overrides: AppOverrides;
  readonly foundation: Foundation;
  readonly all: Shares;
}

/** Gives each tenant what is its own, and a share in what is not. */
function tenantMaker(parts: TenantParts): MakeDeps {
  const { settings, logger, clock, random, overrides, foundation, all } = parts;
  const dispatcher = new Dispatcher(settings.maxWebhookRequests);
  const attempt = attemptDeps(settings, logger, clock, overrides);
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
    const shares = tenantShares(settings, clock.monotonic, all, isDefault);
    const turnstile = new AttemptTurnstile(shares.rates.attempts, shares.counters);
    return {
      ...{ ...shares, keeping, clock, random, dispatcher },
      attempt: { ...attempt, turnstile },
      logger: ownLogger,
      sessionLimits: sessionLimits(settings),
      maxEvents: settings.maxEvents,
      webhookSchedule: overrides.webhookSchedule,
    };
  };
}

function attemptDeps(settings: Settings, logger: Logger, clock: Clock, overrides: AppOverrides): AttemptDeps {
  return {
    resolve: overrides.resolve ?? createResolver(settings.dnsServers),
    policy: overrides.policy ?? localPolicy,
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

function healthChanged({ health }: Store, tenants: Tenants, logger: Logger): void {
  if (health.state !== "open") {
    logger.error("the store keeps nothing new", { state: health.state, detail: health.detail });
    return;
  }
  logger.info("the store is well again");
  for (const { registry } of tenants) registry.storeRecovered();
}
