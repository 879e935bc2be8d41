import { OpenAPIHono } from "@hono/zod-openapi";
import { Problem } from "../src/problem.ts";
import type { App, AppEnv, Services } from "./context.ts";
import { accessLog } from "./middleware/access-log.ts";
import { crossOrigin } from "./middleware/cross-origin.ts";
import { answering } from "./middleware/front-door.ts";
import { onError } from "./middleware/problems.ts";

type ProblemServices = Pick<Services, "browsers" | "clock" | "counters" | "logger">;

/**
 * Answers problems that were found before a cell had the call, and with them the preflight of a call that no cell can take
 * at present. By the middleware of the cells, so that such an answer looks like one of theirs, counts like one, and can be
 * read by the same pages.
 */
export function createProblemAnswers({
  browsers,
  clock,
  counters,
  logger,
}: ProblemServices): (request: Request, problem: Problem) => Response | Promise<Response> {
  const problems = new WeakMap<Request, Problem>();
  const app: App = new OpenAPIHono<AppEnv>();
  app.onError(onError(logger));
  app.use(answering({ counters }));
  if (logger.level === "debug") app.use(accessLog(logger, clock));
  if (browsers.corsOrigins.size > 0) app.use(crossOrigin(browsers));
  app.all("*", (c) => {
    throw problems.get(c.req.raw) ?? new Error("A problem was to be answered, and there is none");
  });
  return (request, problem) => {
    problems.set(request, problem);
    return app.fetch(request, {});
  };
}
