import type { RequestContext } from "../app.ts";
import type { Cells } from "./cells.ts";

/** Answers `/webhooks` and all below it. */
export type AnswerWebhooks = (request: Request, context: RequestContext | undefined) => Promise<Response>;

/** The cell of what belongs to no connection has the definitions. */
export function webhooksAtHome(cells: Pick<Cells, "call">): AnswerWebhooks {
  return (request, context) => cells.call(0, request, context);
}
