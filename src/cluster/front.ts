import type { RequestContext } from "../app.ts";
import type { Logger } from "../log.ts";
import { Problem } from "../problem.ts";
import type { Cells } from "./cells.ts";
import { Refused, type AnswerProblem } from "./front-answer.ts";
import { readEvents, type EventsOptions } from "./front-events.ts";
import { listConnections } from "./front-list.ts";
import { openConnection, type OpeningOptions } from "./front-open.ts";
import { routeOf, withoutSteps } from "./front-route.ts";
import { home, shardOf } from "./front-shard.ts";
import { webhooksOfAll, type AnswerWebhooks } from "./front-webhooks.ts";

/** Answers calls, whichever node they come to. */
export type Front = (request: Request, context?: RequestContext) => Promise<Response>;

export interface FrontOptions extends OpeningOptions, EventsOptions {
  readonly cells: Cells;
  /** Answers what is this node's own: whether it is well, its metrics, and the pages. */
  readonly local: (request: Request, context?: RequestContext) => Response | Promise<Response>;
  readonly problemAnswer: AnswerProblem;
  readonly logger: Logger;
  readonly webhooks?: AnswerWebhooks;
}

/** Nobody reads it; the status that proxies log for it. */
const callerLeftStatus = 499;

/**
 * Takes calls to the cells whose they are, and makes one answer where they are of all cells. Who calls, and what they may,
 * each cell finds out for itself.
 */
export function createFront(options: FrontOptions): Front {
  const { cells, local, logger, problemAnswer } = options;
  const { shards } = cells;
  const webhooks = options.webhooks ?? webhooksOfAll(cells);
  const all = Array.from({ length: shards }, (_, shard) => shard);
  const anyCell = () => all.find((shard) => cells.isLocal(shard)) ?? home;
  const answer = (request: Request, context: RequestContext | undefined): Response | Promise<Response> => {
    const route = routeOf(request.url);
    if (route.to === "connection") return cells.call(shardOf(route.id, shards), request, context);
    const elsewhere = (own: Request) => cells.call(anyCell(), own, context);
    const reads = request.method === "GET" || request.method === "HEAD";
    switch (route.to) {
      case "connections":
        if (reads) return listConnections(cells, request, elsewhere);
        return request.method === "POST"
          ? openConnection(options, request, context, elsewhere)
          : elsewhere(request);
      case "events":
        return reads ? readEvents(options, request, context) : elsewhere(request);
      case "home":
        return cells.call(home, request, context);
      case "webhooks":
        return webhooks(request, context);
      case "node":
        return local(request, context);
      default:
        return elsewhere(request);
    }
  };
  const failed = (request: Request, error: unknown): Response | Promise<Response> => {
    if (error instanceof Refused) return error.response;
    if (error instanceof Problem) return problemAnswer(request, error);
    if (request.signal.aborted) return new Response(null, { status: callerLeftStatus });
    logger.error("a call could not be taken to its cell", {
      method: request.method,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return problemAnswer(
      request,
      new Problem("internal-error", "Connack could not answer; its log has the details"),
    );
  };
  return async (given, context) => {
    const request = withoutSteps(given);
    try {
      return await answer(request, context);
    } catch (error) {
      return failed(request, error);
    }
  };
}
