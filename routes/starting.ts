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

export interface StartingServices extends Pick<Services, "browsers" | "clock" | "counters" | "logger"> {
  readonly progress: ProgressBoard;
  readonly operators: EarlyOperators;
}

/** What is answered before the store is open: that the process lives, how far it is, and the page that shows it. */
export function createStartingRoutes(services: StartingServices): App {
  const { browsers, clock, logger, operators, progress } = services;
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
    const seen = operators.has(tokenOf(c)) ? { progress: progress.progress } : {};
    return c.json({ ready: false, ...seen }, 503);
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
