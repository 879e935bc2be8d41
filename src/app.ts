import { v7 as uuidv7 } from "uuid";
import { createRoutes } from "../routes/index.ts";
import type { Principal } from "./access/principal.ts";
import { openAccess } from "./open-access.ts";
import type { Resolve } from "./broker/resolver.ts";
import { browserRules } from "./access/browsers.ts";
import { systemClock, type Clock } from "./clock.ts";
import { Restart } from "./connection/restart.ts";
import { closeForbidden } from "./connection/forbidden.ts";
import { Egress } from "./egress/egress.ts";
import type { EgressLists, EgressPolicy } from "./egress/policy.ts";
import type { Logger } from "./log.ts";
import { createSealer, plainSealer } from "./sealing.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import type { Settings } from "./settings.ts";
import { tenantsIn } from "./store/scoped-store.ts";
import { families } from "./metrics/families.ts";
import { LoopLag } from "./metrics/loop-lag.ts";
import { Metrics } from "./metrics/metrics.ts";
import { isRateSet, processShares, type Shares } from "./shares.ts";
import { StoredTime } from "./stored-time.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/store.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished, type Peer } from "./stream/vanished.ts";
import { tenantMaker, type Foundation } from "./tenant-maker.ts";
import { Tenants } from "./tenants.ts";
import type { Schedule } from "./webhooks/schedule.ts";

/** What the runtime's server gives along with a request. */
export interface RequestContext {
  /** Lifts the runtime's limit on how long a response may be silent; what it returns, called before the end, sets it again. */
  readonly holdOpen?: () => () => void;
  /** Bounds the reading of the request's body, for a call that reads all of it: rejects with `request-timeout`. */
  readonly inTime?: <T>(reading: () => Promise<T>) => Promise<T>;
  /** The other end of the network connection: the caller, or a proxy. */
  readonly peer?: () => Peer | null;
  /** The id of the connection that the call makes, where the caller names none. */
  readonly newId?: string;
}

export interface ConnackApp extends AsyncDisposable {
  readonly fetch: (request: Request, context?: RequestContext) => Response | Promise<Response>;
  /** The server listens there, which is where it must not connect to for somebody. */
  listening(hostname: string, port: number): void;
  /** Takes other destinations for allowed at once, and ends what they forbid; with how many connections were ended. */
  changeEgress(lists: EgressLists): number;
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
  const access = await openAccess(settings, logger, clock, overrides.principal, foundation);
  const egress = new Egress({ allow: settings.egressAllow, deny: settings.egressDeny }, access.isOpen);
  const streams = new Streams(limits, clock, findVanished);
  const restart = new Restart(settings.dialsAtStart);
  const all = overrides.shares ?? processShares(settings, clock.monotonic);
  const depsOf = tenantMaker({ settings, logger, clock, random, egress, overrides, foundation, all });
  const tenants = new Tenants(settings.maxTenants, depsOf, (restored) => restart.add(restored));
  await tenants.restore(await tenantsIn(store));
  const unlisten = store.onHealth(() => healthChanged(store, tenants, logger));
  const stopping = new AbortController();
  const loopLag = new LoopLag(clock.monotonic);
  const startedAt = clock.wall() - process.uptime() * 1_000;
  const routes = createRoutes({
    ...{ access, tenants, streams, store, clock, random, logger, version },
    counters: all.counters,
    metrics: new Metrics(families),
    serverMetrics: () => ({
      counters: all.counters,
      limits: [...Object.values(all.budgets), ...Object.values(all.rates), tenants.limit],
      registries: [...tenants].map(({ registry }) => registry),
      streams: streams.size,
      server: {
        ...{ version, startedAt, isStoreHealthy: store.health.state === "open", restoring: restart.left },
        ...{ loopLag: loopLag.seconds, commitSeconds: store.commitSeconds },
        residentBytes: process.memoryUsage.rss(),
      },
    }),
    rates: all.rates,
    tellsRates: isRateSet(settings),
    restoring: () => restart.left,
    newId: () => `c_${uuidv7()}`,
    maxBodyBytes: settings.maxBodyBytes,
    maxPayloadBytes: settings.maxPayloadBytes,
    streamWriteTimeoutMs: settings.streamWriteTimeoutMs,
    browsers: browserRules(settings),
    publishIdleTimeoutMs: settings.publishIdleTimeoutMs,
    accepting: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  });
  const close = async () => {
    stopping.abort();
    loopLag[Symbol.dispose]();
    restart.stop();
    streams.beginShutdown();
    await tenants.close(settings.shutdownGraceMs);
    streams.shutdown();
    await tenants.end();
    await access[Symbol.asyncDispose]();
    unlisten();
    await store[Symbol.asyncDispose]();
  };
  restart.begin();
  return {
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    ...egressCalls(egress, tenants),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function egressCalls(egress: Egress, tenants: Tenants): Pick<ConnackApp, "listening" | "changeEgress"> {
  return {
    listening: (hostname, port) => {
      egress.own.listening(hostname, port);
      // What came back is dialled already.
      closeForbidden(tenants.connections());
    },
    changeEgress: (lists) => {
      egress.change(lists);
      return closeForbidden(tenants.connections());
    },
  };
}

function healthChanged({ health }: Store, tenants: Tenants, logger: Logger): void {
  if (health.state !== "open") {
    logger.error("the store keeps nothing new", { state: health.state, detail: health.detail });
    return;
  }
  logger.info("the store is well again");
  for (const { registry } of tenants) registry.storeRecovered();
}
