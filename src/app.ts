import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { createRoutes } from "../routes/index.ts";
import { localPolicy, type EgressPolicy } from "./broker/egress.ts";
import type { AttemptDeps } from "./broker/attempt.ts";
import { createResolver, type Resolve } from "./broker/resolver.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { Connection } from "./connection/connection.ts";
import { Lifecycle } from "./connection/lifecycle.ts";
import { Operations } from "./connection/operations.ts";
import { Registry } from "./connection/registry.ts";
import type { SessionLimits } from "./connection/session.ts";
import { restoreConnections } from "./connection/restore.ts";
import { Restart } from "./connection/restart.ts";
import type { Keeping } from "./connection/stored-connection.ts";
import { IdempotencyJournal } from "./idempotency-journal.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import type { Logger } from "./log.ts";
import { createSealer, plainSealer } from "./sealing.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import type { Settings } from "./settings.ts";
import { Journal } from "./store/journal.ts";
import { StoredTime } from "./stored-time.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/store.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished, type Peer } from "./stream/vanished.ts";
import { Waits } from "./waits.ts";
import type { Schedule } from "./webhooks/schedule.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** What the runtime's server gives along with a request. */
export interface RequestContext {
  /** Lifts the runtime's limit on how long a response may be silent; what it returns, called before the end, sets it again. */
  readonly holdOpen?: () => () => void;
  /** Bounds the reading of the request's body, for a call that reads all of it: rejects with `request-timeout`. */
  readonly inTime?: <T>(reading: () => Promise<T>) => Promise<T>;
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
  readonly webhookSchedule?: Schedule;
}

const maxIdempotencyKeys = 10_000;

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
    const onTrouble = (error: unknown) =>
      logger.error("nothing can be kept at present", { error: String(error) });
    const journal = new Journal(store, lease, onTrouble);
    const time = await StoredTime.read(store, overrides.clock ?? systemClock);
    const keeping = { store, lease, sealer, journal, time };
    return await buildApp(settings, logger, version, overrides, keeping);
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

interface Core {
  readonly clock: Clock;
  readonly random: () => number;
  readonly attempt: AttemptDeps;
  readonly lifecycle: Lifecycle;
  readonly registry: Registry;
  readonly idempotency: IdempotencyKeys;
  /** What came back. */
  readonly restored: readonly Connection[];
}

/** What there is without HTTP, with all in it that was kept. */
async function buildCore(
  settings: Settings,
  logger: Logger,
  overrides: AppOverrides,
  keeping: Keeping,
): Promise<Core> {
  const { store, journal } = keeping;
  const isKept = store.survives === "power";
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const attempt = attemptDeps(settings, logger, clock, overrides);
  const lifecycle = new Lifecycle(store.epoch, clock, logger, settings.maxEvents, isKept ? journal : null);
  const connection = {
    attempt,
    lifecycle,
    clock,
    random,
    newEpoch: () => randomBytes(6).toString("hex"),
    limits: sessionLimits(settings),
    keeping: isKept ? keeping : null,
  };
  const registry = new Registry(connection, settings.maxConnections);
  const answers = isKept ? new IdempotencyJournal(keeping, logger) : null;
  const idempotency = new IdempotencyKeys(maxIdempotencyKeys, clock.monotonic, undefined, answers);
  await idempotency.restore();
  const restored = isKept ? await restoreConnections(keeping, registry, lifecycle) : [];
  return { clock, random, attempt, lifecycle, registry, idempotency, restored };
}

async function buildApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides,
  keeping: Keeping,
): Promise<ConnackApp> {
  const { store, journal } = keeping;
  const core = await buildCore(settings, logger, overrides, keeping);
  const { registry, clock, restored, idempotency } = core;
  const unlisten = store.onHealth(() => healthChanged(store, registry, logger));
  const limits = {
    maxStreams: settings.maxStreams,
    heartbeatMs: settings.heartbeatMs,
    writeTimeoutMs: settings.streamWriteTimeoutMs,
  };
  const streams = new Streams(limits, clock, findVanished);
  const webhooks = new Webhooks({
    ...{ ...keeping, ...core, logger, limits: settings, connections: registry },
    delivery: { ...core.attempt, wall: clock.wall },
    schedule: overrides.webhookSchedule,
  });
  await webhooks.restore();
  // Not before: a start that is refused for want of a key must not have deleted the answers that only it could open.
  await idempotency.flush();
  const stopping = new AbortController();
  const restart = new Restart();
  const routes = createRoutes({
    ...core,
    operations: new Operations(registry, clock),
    streams,
    waits: new Waits(settings.maxWaits),
    webhooks,
    store,
    restoring: () => restart.left,
    newId: () => `c_${uuidv7()}`,
    logger,
    maxBodyBytes: settings.maxBodyBytes,
    maxPayloadBytes: settings.maxPayloadBytes,
    streamWriteTimeoutMs: settings.streamWriteTimeoutMs,
    publishIdleTimeoutMs: settings.publishIdleTimeoutMs,
    allowedHosts: settings.allowedHosts,
    version,
    accepting: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  });
  const close = async () => {
    stopping.abort();
    restart.stop();
    streams.beginShutdown();
    await webhooks.close();
    await registry.shutdown(settings.shutdownGraceMs);
    await journal.settled();
    streams.shutdown();
    await idempotency.flush();
    unlisten();
    journal.close();
    await store[Symbol.asyncDispose]();
  };
  restart.begin(restored, settings.dialsAtStart);
  return {
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function attemptDeps(settings: Settings, logger: Logger, clock: Clock, overrides: AppOverrides): AttemptDeps {
  return {
    resolve: overrides.resolve ?? createResolver(settings.dnsServers),
    policy: overrides.policy ?? localPolicy,
    maxPacketBytes: settings.maxPacketBytes,
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

function healthChanged({ health }: Store, registry: Registry, logger: Logger): void {
  if (health.state !== "open") {
    logger.error("the store keeps nothing new", { state: health.state, detail: health.detail });
    return;
  }
  logger.info("the store is well again");
  registry.storeRecovered();
}
