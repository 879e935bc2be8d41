import { v7 as uuidv7 } from "uuid";
import type { Services } from "../routes/context.ts";
import { createRoutes } from "../routes/index.ts";
import { createStartingRoutes } from "../routes/starting.ts";
import { EarlyOperators } from "./access/early-operators.ts";
import { openAccess } from "./open-access.ts";
import type { AppOverrides } from "./app-overrides.ts";
import { browserRules } from "./access/browsers.ts";
import { systemClock, type Clock } from "./clock.ts";
import { Restart } from "./connection/restart.ts";
import { closeForbidden } from "./connection/forbidden.ts";
import { Egress } from "./egress/egress.ts";
import type { EgressLists } from "./egress/policy.ts";
import type { Logger } from "./log.ts";
import { createSealer, plainSealer } from "./sealing.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import { isLoopback, type Settings } from "./settings.ts";
import { tenantsIn } from "./store/scoped-store.ts";
import { families } from "./metrics/families.ts";
import { Metrics } from "./metrics/metrics.ts";
import { ProgressBoard } from "./progress/board.ts";
import { reportOpening } from "./progress/opening.ts";
import { Restoring } from "./restoring.ts";
import { serverMetrics } from "./server-metrics.ts";
import { ServerParts } from "./server-parts.ts";
import { isRateSet, processShares, type Shares } from "./shares.ts";
import { StoredTime } from "./stored-time.ts";
import { StartingApp, type OpenApp } from "./starting-app.ts";
import { openStore } from "./store/open.ts";
import type { OpeningOptions } from "./store/opening.ts";
import type { Store } from "./store/store.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished, type Peer } from "./stream/vanished.ts";
import { openTracing } from "./tracing/open-tracing.ts";
import { tenantMaker, type Foundation } from "./tenant-maker.ts";
import { Tenants } from "./tenants.ts";

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
  /** It came in where callers need a token, so that it needs one here, too. */
  readonly isGuarded?: boolean;
  /** It is asked for its part of an answer that another service counts as a call. */
  readonly isPart?: boolean;
  /** The ids of the webhooks that a list of them is to have: a question of the cell that makes one answer of those of all. */
  readonly onlyWebhooks?: readonly string[];
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

/** What there is before the store is open. */
interface Ground {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly version: string;
  readonly overrides: AppOverrides;
  readonly clock: Clock;
  readonly all: Shares;
  readonly egress: Egress;
  readonly operators: EarlyOperators;
  readonly progress: ProgressBoard;
}

/** For the last spans, when all the grace is used up; the process is given two seconds more than that. */
const leastFlushMs = 1_000;

/**
 * {@link prepareApp}, and opens it. Connections that came back are dialled from here on.
 *
 * @throws {Error} with a sentence for the operator, when the store cannot be used
 */
export async function createApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides = {},
): Promise<ConnackApp> {
  const app = prepareApp(settings, logger, version, overrides);
  await app.open();
  return app;
}

/** A service that answers at once, and takes calls when its store is open, which it is to be told to do. */
export function prepareApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides = {},
): StartingApp {
  const clock = overrides.clock ?? systemClock;
  const all = overrides.shares ?? processShares(settings, clock.monotonic);
  const egress = new Egress({ allow: settings.egressAllow, deny: settings.egressDeny });
  const progress = new ProgressBoard(clock.monotonic);
  const operators = new EarlyOperators(settings.adminToken, hasNoAccessControl(settings));
  const ground = { settings, logger, version, overrides, clock, all, egress, operators, progress };
  const browsers = browserRules(settings);
  const { parts, cluster } = overrides;
  const routes = createStartingRoutes({
    ...{ browsers, clock, logger, operators, progress },
    counters: all.counters,
    cluster: cluster ?? null,
    metrics: new Metrics(families),
    serverMetrics: parts && cluster ? serverMetrics({ parts, shares: all, clock, version, cluster }) : null,
  });
  return new StartingApp({
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    egress,
    progress,
    open: (signal) => openApp(ground, signal),
  });
}

/** As far as settings tell; and where others can call, a start without tokens is refused. */
function hasNoAccessControl({ adminToken, adminTokenFile, jwtJwksUrl, jwtKeyFile, host }: Settings): boolean {
  const isOff = [adminToken, adminTokenFile, jwtJwksUrl, jwtKeyFile].every((each) => each === null);
  return isOff && isLoopback(host);
}

async function openApp(ground: Ground, signal: AbortSignal): Promise<OpenApp> {
  const { settings, overrides, progress, clock } = ground;
  const keys = readSecretKeys(settings);
  const options: OpeningOptions = { onOpening: (opening) => reportOpening(progress, opening), signal };
  const open = overrides.openStore ?? openStoreOf(settings);
  const store = overrides.store ?? (await open(options));
  progress.finish("store");
  progress.finish("migration");
  // Whatever is read meanwhile is refused then, and so the start ends.
  const giveUp = () => void store[Symbol.asyncDispose]();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    signal.throwIfAborted();
    const sealer = store.survives === "nothing" ? plainSealer : await createSealer(keys);
    const lease = await store.acquire();
    const time = await StoredTime.read(store, clock);
    return await buildApp(ground, { store, lease, sealer, time }, signal);
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function openStoreOf({ store, storeMaxBytes }: Settings): (options: OpeningOptions) => Promise<Store> {
  return (options) => openStore(store, storeMaxBytes, undefined, options);
}

async function buildApp(ground: Ground, foundation: Foundation, signal: AbortSignal): Promise<OpenApp> {
  const { settings, logger, version, overrides, clock, all, egress, operators, progress } = ground;
  const { store } = foundation;
  const random = overrides.random ?? Math.random;
  const limits = { heartbeatMs: settings.heartbeatMs, writeTimeoutMs: settings.streamWriteTimeoutMs };
  // In a process that goes on, as a node of a cluster does, what a start that fails has begun must not.
  await using begun = new AsyncDisposableStack();
  const access = begun.use(
    await openAccess(settings, logger, clock, overrides.principal, foundation, overrides.follow),
  );
  operators.decided(access.isOpen);
  if (access.isOpen) egress.open();
  const streams = new Streams(limits, clock, findVanished);
  const stopping = new AbortController();
  const tracing = await traceCalls(settings, version, logger, stopping.signal);
  begun.defer(() => tracing.close());
  const { tenants, restart } = await bringBack(ground, foundation, random);
  signal.throwIfAborted();
  begun.move();
  const { parts = new ServerParts(clock.monotonic), cluster = null } = overrides;
  const leave = parts.add({ tenants, streams, store, restoring: () => restart.left });
  const unlisten = store.onHealth(() => healthChanged(store, tenants, logger));
  const routes = createRoutes({
    ...{ access, tenants, streams, store, clock, random, logger, version, traced: tracing.traced },
    counters: all.counters,
    metrics: new Metrics(families),
    serverMetrics: serverMetrics({ parts, shares: all, clock, version, cluster }),
    ...{ rates: all.rates, tellsRates: isRateSet(settings), parts, cluster },
    progress: () => progress.progress,
    newId: () => `c_${uuidv7()}`,
    ...{ maxBodyBytes: settings.maxBodyBytes, maxPayloadBytes: settings.maxPayloadBytes },
    streamWriteTimeoutMs: settings.streamWriteTimeoutMs,
    browsers: browserRules(settings),
    publishIdleTimeoutMs: settings.publishIdleTimeoutMs,
    accepting: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  });
  const close = async (graceMs = settings.shutdownGraceMs) => {
    stopping.abort();
    restart.stop();
    streams.beginShutdown();
    await tenants.close(graceMs);
    streams.shutdown();
    await tenants.end();
    await access[Symbol.asyncDispose]();
    unlisten();
    leave();
    if (overrides.parts === undefined) parts[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    await tracing.close();
  };
  restart.begin();
  return {
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    endForbidden: () => closeForbidden(tenants.connections()),
    close,
  };
}

/** All tenants that the store has, and their connections, which are to be dialled. */
async function bringBack(
  ground: Ground,
  foundation: Foundation,
  random: () => number,
): Promise<{ readonly tenants: Tenants; readonly restart: Restart }> {
  const { settings, progress, overrides } = ground;
  const restart = new Restart(settings.dialsAtStart, (done, total) => {
    if (done < total) progress.report({ task: "dial", done, total });
    else progress.finish("dial");
  });
  const restoring = new Restoring(progress);
  const onRestoring = (count: number) => restoring.step(count);
  const depsOf = tenantMaker({ ...ground, random, foundation, onRestoring });
  const tenants = new Tenants(settings.maxTenants, depsOf, (restored) => restart.add(restored));
  const stored = await tenantsIn(foundation.store);
  await restoring.begin(foundation.store, stored);
  await tenants.restore(stored);
  restoring.finish();
  const { moved } = overrides;
  // Not before all are back: a node that cannot have them is not where they have come.
  if (moved !== undefined)
    for (const each of tenants.connections()) each.tell({ type: "moved", fields: { ...moved } });
  return { tenants, restart };
}

/** What makes spans of calls, and its end, which has what is left of the grace that began with `stopping`. */
async function traceCalls(
  settings: Settings,
  version: string,
  logger: Logger,
  stopping: AbortSignal,
): Promise<Pick<Services, "traced"> & { close(): Promise<void> }> {
  const tracing = await openTracing(settings, version, logger);
  if (tracing === null) return { traced: null, close: async () => {} };
  const { traced } = await import("../routes/middleware/traced.ts");
  let graceEnds = 0;
  const begin = () => (graceEnds = performance.now() + settings.shutdownGraceMs);
  stopping.addEventListener("abort", begin, { once: true });
  return {
    traced: traced(tracing.tracer),
    close: () => tracing.close(Math.max(leastFlushMs, graceEnds - performance.now())),
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
