import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AttemptDeps } from "../src/broker/attempt.ts";
import type { Clock } from "../src/clock.ts";
import type { Lifecycle } from "../src/connection/lifecycle.ts";
import type { Operations } from "../src/connection/operations.ts";
import type { Registry } from "../src/connection/registry.ts";
import type { IdempotencyKeys } from "../src/idempotency.ts";
import type { Logger } from "../src/log.ts";
import type { Store } from "../src/store/store.ts";
import type { Streams } from "../src/stream/streams.ts";
import type { Peer } from "../src/stream/vanished.ts";
import type { Waits } from "../src/waits.ts";
import type { Webhooks } from "../src/webhooks/webhooks.ts";

/** What the routes work with; made in the composition root. */
export interface Services {
  readonly registry: Registry;
  readonly operations: Operations;
  readonly lifecycle: Lifecycle;
  readonly streams: Streams;
  readonly waits: Waits;
  readonly webhooks: Webhooks;
  readonly idempotency: IdempotencyKeys;
  readonly store: Pick<Store, "survives" | "health">;
  /** Connections that came back after a restart and whose first attempt has not ended. */
  readonly restoring: () => number;
  readonly attempt: AttemptDeps;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  readonly maxPayloadBytes: number;
  /** As that of event streams. */
  readonly streamWriteTimeoutMs: number;
  readonly publishIdleTimeoutMs: number;
  /** Host names besides loopback ones that requests may name. */
  readonly allowedHosts: readonly string[];
  readonly version: string;
  /** False from the moment at which shutdown begins. */
  readonly accepting: () => boolean;
  /** Aborts at that moment. */
  readonly stopping: AbortSignal;
}

/** The bindings are those of `RequestContext`; absent without a server. */
export interface AppEnv {
  Bindings: {
    readonly holdOpen?: () => () => void;
    readonly inTime?: <T>(reading: () => Promise<T>) => Promise<T>;
    readonly peer?: () => Peer | null;
  };
  Variables: { requestId: string; body: string | Uint8Array };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;
