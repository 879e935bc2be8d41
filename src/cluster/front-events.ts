import type { RequestContext } from "../app.ts";
import { jointHeaders } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import { historyLimit, historyOf, type CellHistory } from "./front-history.ts";
import { formatOf, openStream, requireRunning, type LiveOptions } from "./front-live.ts";
import { startsOf } from "./front-starts.ts";
import { earliest, Vector } from "./front-vector.ts";
import type { Cells } from "./cells.ts";

export interface EventsOptions extends LiveOptions {
  readonly cells: Pick<Cells, "call" | "shards">;
}

const lastIdHeader = "connack-last-event-id";

/**
 * `GET /events` of all cells as one: live, or a page of history. It begins with all cells, or not at all; later, one whose
 * owner is lost or changes is opened again where it was, while the others go on.
 *
 * @throws {Refused}
 * @throws {Problem} `no-owner`, `shutting-down`
 */
export async function readEvents(
  options: EventsOptions,
  request: Request,
  context: RequestContext | undefined,
): Promise<Response> {
  const { cells, stopping } = options;
  requireRunning(stopping);
  const starts = startsOf(request, cells.shards);
  await using opened = new AsyncDisposableStack();
  const asking = opened.use(new Asking(cells, request, ["last-event-id"]));
  const method = request.method === "HEAD" ? "HEAD" : "GET";
  const questions = Array.from({ length: cells.shards }, (_, cell) => ({
    ...({ cell, method, url: starts.urlOf(cell) } as const),
  }));
  const responses = await asking.askAll(questions);
  opened.defer(() => {
    for (const { body } of responses) if (body?.locked === false) void body.cancel().catch(() => {});
  });
  const [first] = responses;
  if (first === undefined) throw new Error("There are no shards");
  const format = formatOf(first);
  const vector = new Vector(responses.map(({ headers }) => headers.get(lastIdHeader) ?? earliest));
  const headers = jointHeaders(first, { [lastIdHeader]: vector.text() });
  if (method === "HEAD") return new Response(null, { headers });
  if (format === null) {
    const histories = (await Promise.all(responses.map(jsonOf))) as CellHistory[];
    const page = historyOf(histories, vector, starts, historyLimit(request.url));
    return new Response(JSON.stringify(page), { headers });
  }
  const stream = await openStream(options, { format, vector, starts, asking, responses }, context);
  opened.move();
  return new Response(stream.stream, { headers });
}
