import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { createRoutes } from "../routes/index.ts";
import { localPolicy, type EgressPolicy } from "./broker/egress.ts";
import { createResolver, type Resolve } from "./broker/resolver.ts";
import { systemClock, type Clock } from "./clock.ts";
import { Lifecycle } from "./connection/lifecycle.ts";
import { Operations } from "./connection/operations.ts";
import { Registry } from "./connection/registry.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import type { Logger } from "./log.ts";
import type { Settings } from "./settings.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished, type Peer } from "./stream/vanished.ts";
import { Waits } from "./waits.ts";

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
}

const maxIdempotencyKeys = 10_000;

/** Builds the service; nothing of it runs before the first request. */
export function createApp(
  settings: Settings,
  logger: Logger,
  version: string,
  overrides: AppOverrides = {},
): ConnackApp {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const newEpoch = () => randomBytes(6).toString("hex");
  const attempt = {
    resolve: overrides.resolve ?? createResolver(settings.dnsServers),
    policy: overrides.policy ?? localPolicy,
    maxPacketBytes: settings.maxPacketBytes,
    now: clock.monotonic,
    report: (error: unknown) =>
      logger.error("an attempt failed in Connack", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  };
  const lifecycle = new Lifecycle(newEpoch(), clock, logger, settings.maxEvents);
  const sessionLimits = {
    maxInflight: settings.maxInflight,
    maxInflightBytes: settings.maxInflightBytes,
    sendQuota: settings.sendQuota,
    maxSubscriptions: settings.maxSubscriptions,
  };
  const connection = { attempt, lifecycle, clock, random, newEpoch, limits: sessionLimits };
  const registry = new Registry(connection, settings.maxConnections);
  const limits = {
    maxStreams: settings.maxStreams,
    heartbeatMs: settings.heartbeatMs,
    writeTimeoutMs: settings.streamWriteTimeoutMs,
  };
  const streams = new Streams(limits, clock, findVanished);
  const stopping = new AbortController();
  const routes = createRoutes({
    registry,
    operations: new Operations(registry, clock),
    lifecycle,
    streams,
    waits: new Waits(settings.maxWaits),
    idempotency: new IdempotencyKeys(maxIdempotencyKeys, clock.monotonic),
    attempt,
    clock,
    random,
    newId: () => `c_${uuidv7()}`,
    logger,
    maxBodyBytes: settings.maxBodyBytes,
    maxPayloadBytes: settings.maxPayloadBytes,
    streamWriteTimeoutMs: settings.streamWriteTimeoutMs,
    allowedHosts: settings.allowedHosts,
    version,
    accepting: () => !stopping.signal.aborted,
    stopping: stopping.signal,
  });
  const close = async () => {
    stopping.abort();
    streams.beginShutdown();
    await registry.shutdown(settings.shutdownGraceMs);
    streams.shutdown();
  };
  return {
    fetch: (request, context) => routes.fetch(request, context ?? {}),
    close,
    [Symbol.asyncDispose]: close,
  };
}
