import { OpenAPIHono } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import type { EarlyOperators } from "../src/access/early-operators.ts";
import { Problem } from "../src/problem.ts";
import type { ProgressBoard } from "../src/progress/board.ts";
import type { App, AppContext, AppEnv, Services } from "./context.ts";
import { mountDashboard } from "./dashboard.ts";
import { accessLog } from "./middleware/access-log.ts";
import { bearerToken } from "./middleware/bearer.ts";
import { browserSafety } from "./middleware/browser-safety.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { answering } from "./middleware/front-door.ts";
import { onError, problemResponse } from "./middleware/problems.ts";
import { sayRequestId } from "./middleware/request-id.ts";
import { mountProblems } from "./problems.ts";

type Shared = "browsers" | "clock" | "cluster" | "counters" | "logger" | "metrics";

export interface StartingServices extends Pick<Services, Shared> {
  readonly progress: ProgressBoard;
  readonly operators: EarlyOperators;
  /** Of a node of a cluster, which may well have no shard while others have them all; else null. */
  readonly serverMetrics: Services["serverMetrics"] | null;
}

/** What is answered before the store is open: that the process lives, how far it is, and the page that shows it. */
export function createStartingRoutes(services: StartingServices): App {
  const { browsers, clock, cluster, logger, metrics, operators, progress, serverMetrics } = services;
  const app: App = new OpenAPIHono<AppEnv>();
  app.onError(onError(logger));
  app.notFound((c) => problemResponse(c, starting(progress)));
  app.use(answering(services));
  if (logger.level === "debug") app.use(accessLog(logger, clock));
  if (browsers.corsOrigins.size > 0) app.use(crossOrigin(browsers));
  const check = browserSafety(browsers);
  app.use(
    createMiddleware<AppEnv>((c, next) => {
      check(c);
      return next();
    }),
  );
  app.use(sayRequestId());
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", (c) => {
    if (!operators.has(tokenOf(c))) return c.json({ ready: false }, 503);
    const standing = cluster?.() ?? null;
    const node = standing === null ? {} : { cluster: standing };
    return c.json({ ready: false, progress: progress.progress, ...node }, 503);
  });
  // When a node has lost its shards is when its metrics are wanted.
  app.get("/metrics", async (c) => {
    const view = operators.has(tokenOf(c)) ? serverMetrics?.() : undefined;
    if (view === undefined || view.server?.cluster === null) throw starting(progress);
    const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
    return c.body(await metrics.text(view), 200, headers);
  });
  mountProblems(app);
  mountDashboard(app);
  return app;
}

function starting(progress: ProgressBoard): Problem {
  return new Problem("starting", {
    detail: "This server is starting: it brings back what its store has",
    retryAfterSeconds: progress.secondsLeft,
  });
}

/** Null where there is none that could be one: whether another one is good cannot be known yet. */
function tokenOf(c: AppContext): string | null {
  const authorization = c.req.header("authorization");
  if (authorization === undefined) return null;
  try {
    return bearerToken(authorization);
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}
