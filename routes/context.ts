import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { Access } from "../src/access/access.ts";
import type { BrowserRules } from "../src/access/browsers.ts";
import type { Principal } from "../src/access/principal.ts";
import type { Clock } from "../src/clock.ts";
import type { ClusterStanding } from "../src/cluster-standing.ts";
import type { Logger } from "../src/log.ts";
import type { Counters } from "../src/metrics/counters.ts";
import type { Metrics } from "../src/metrics/metrics.ts";
import type { MetricsView } from "../src/metrics/view.ts";
import type { Progress } from "../src/progress/progress.ts";
import type { ProblemCode } from "../src/problem-catalogue.ts";
import type { Rate } from "../src/rate.ts";
import type { Rates } from "../src/rates.ts";
import type { ServerParts } from "../src/server-parts.ts";
import type { Store } from "../src/store/store.ts";
import type { Streams } from "../src/stream/streams.ts";
import type { Peer } from "../src/stream/vanished.ts";
import type { Tenant } from "../src/tenant.ts";
import type { Tenants } from "../src/tenants.ts";

/** What the routes work with, besides what belongs to the tenant of the call; made in the composition root. */
export interface Services {
  readonly access: Access;
  readonly tenants: Tenants;
  readonly streams: Streams;
  readonly store: Pick<Store, "survives" | "health">;
  /** All that this process serves, of which this may be one part. */
  readonly parts: ServerParts;
  /** Null where there is one node. */
  readonly cluster: (() => ClusterStanding | null) | null;
  /** What takes long at present. */
  readonly progress: () => Progress | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly logger: Logger;
  /** Of all tenants. */
  readonly counters: Counters;
  readonly metrics: Metrics;
  /** What an operator sees of metrics. */
  readonly serverMetrics: () => MetricsView;
  /** Of the server. */
  readonly rates: Rates;
  /** Whether all answers say how many calls are left, and not only those to who has a token. */
  readonly tellsRates: boolean;
  readonly maxBodyBytes: number;
  readonly maxPayloadBytes: number;
  /** As that of event streams. */
  readonly streamWriteTimeoutMs: number;
  readonly browsers: BrowserRules;
  readonly publishIdleTimeoutMs: number;
  readonly version: string;
  /** What makes a span of each call; null where nobody wants any. */
  readonly traced: MiddlewareHandler<AppEnv> | null;
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
    readonly newId?: string;
    readonly isPart?: boolean;
    readonly isGuarded?: boolean;
    readonly onlyWebhooks?: readonly string[];
  };
  Variables: {
    requestId: string;
    body: string | Uint8Array;
    /** Who calls. */
    principal: Principal;
    /** All that the principal's tenant has. */
    tenant: Tenant;
    /** How the call's signal is let go of, where it has one of its own. */
    releaseSignal?: () => void;
    /** Where what comes of the call counts; the tenant's, as soon as that is known. */
    counters: Counters | undefined;
    /** Of the answer, where that is a problem. */
    problemCode: ProblemCode | undefined;
    /** What the answer says of how many calls are left. */
    rate: Rate | undefined;
  };
}

export type App = OpenAPIHono<AppEnv>;
export type AppContext = Context<AppEnv>;
