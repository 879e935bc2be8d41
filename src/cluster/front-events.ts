import type { RequestContext } from "../app.ts";
import { timestamp, type Clock } from "../clock.ts";
import { Problem } from "../problem.ts";
import { controlFrame, openingFrame, type StreamFormat } from "../stream/frame.ts";
import type { Streams } from "../stream/streams.ts";
import type { Cells } from "./cells.ts";
import { jointHeaders } from "./front-answer.ts";
import { Asking, jsonOf } from "./front-ask.ts";
import { historyLimit, historyOf, type CellHistory } from "./front-history.ts";
import { headOf, jointGap, jointSnapshot } from "./front-heads.ts";
import { MergedStream } from "./front-merged.ts";
import { Part, type Reopened, type Whole } from "./front-part.ts";
import { startsOf, type Starts } from "./front-starts.ts";
import { Vector } from "./front-vector.ts";

export interface EventsOptions {
  readonly cells: Pick<Cells, "call" | "shards">;
  /** Of the front's own, which it beats the hearts of, cuts off where nobody reads them, and ends when this node does. */
  readonly streams: Streams;
  readonly streamWriteTimeoutMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborts when this node takes no new work. */
  readonly stopping: AbortSignal;
}

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
  if (stopping.aborted)
    throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  const starts = startsOf(request, cells.shards);
  await using opened = new AsyncDisposableStack();
  const asking = opened.use(new Asking(cells, request, ["last-event-id"]));
  const method = request.method === "HEAD" ? "HEAD" : "GET";
  const questions = Array.from({ length: cells.shards }, (_, cell) => ({
    ...({ cell, method, url: starts.urlOf(cell) } as const),
  }));
  const responses = await asking.askAll(questions);
  const [first] = responses;
  if (first === undefined) throw new Error("There are no shards");
  const format = formatOf(first);
  if (format === null) {
    if (method === "HEAD") return new Response(null, { headers: jointHeaders(first, {}) });
    const histories = (await Promise.all(responses.map(jsonOf))) as CellHistory[];
    const page = historyOf(histories, starts, historyLimit(request.url));
    return new Response(JSON.stringify(page), { headers: jointHeaders(first, {}) });
  }
  const vector = new Vector(responses.map(({ headers }) => headers.get("connack-last-event-id") ?? ""));
  const headers = jointHeaders(first, { "connack-last-event-id": vector.text() });
  if (method === "HEAD") return new Response(null, { headers });
  const stream = await openStream(options, { format, vector, starts, asking, responses }, context);
  opened.move();
  return new Response(stream.stream, { headers });
}

interface Opening {
  readonly format: StreamFormat;
  readonly vector: Vector;
  readonly starts: Starts;
  readonly asking: Asking;
  readonly responses: readonly Response[];
}

async function openStream(
  { streams, streamWriteTimeoutMs, clock, random }: EventsOptions,
  { format, vector, starts, asking, responses }: Opening,
  context: RequestContext | undefined,
): Promise<MergedStream> {
  let merged: MergedStream | null = null;
  const whole: Whole = {
    ...{ format, random, signal: asking.signal },
    reopen: (cell) => reopen(asking, cell, starts.urlAfter(cell, vector.idOf(cell)), format),
    deliver: (part, frames) => merged?.deliver(part, frames) ?? Promise.resolve(),
    lost: (reason) => {
      if (reason === "unauthorized") merged?.close("unauthorized", { at: timestamp(clock.wall()) });
      else merged?.fail();
    },
  };
  const parts = responses.map((response, cell) => new Part(cell, whole, response));
  const heads = await Promise.all(parts.map(headOf));
  const at = timestamp(clock.wall());
  const gap = jointGap(heads, vector, starts.requested);
  const id = starts.isResumed ? undefined : vector.text();
  const letTimeOut = context?.holdOpen?.();
  const onEnd = () => {
    remove();
    asking[Symbol.dispose]();
    for (const part of parts) part.stop();
    letTimeOut?.();
  };
  const opening = [
    openingFrame(format, at),
    ...(gap === null ? [] : [controlFrame(format, "gap", gap)]),
    controlFrame(format, "snapshot", jointSnapshot(heads, at), id),
  ];
  const { promise: isIn, resolve: take } = Promise.withResolvers<() => void>();
  let remove = (): void => void isIn.then((removeIt) => removeIt());
  merged = new MergedStream({
    ...{ format, vector, clock, onEnd },
    first: Buffer.concat(opening),
    writeTimeoutMs: streamWriteTimeoutMs,
  });
  remove = streams.add(merged, context?.peer?.() ?? null);
  take(remove);
  for (const [i, part] of parts.entries()) void part.run(heads[i]?.rest ?? []).catch(() => merged?.fail());
  // The caller has gone, and the runtime may not tell the stream so.
  asking.signal.addEventListener("abort", () => merged?.fail(), { once: true });
  return merged;
}

async function reopen(asking: Asking, cell: number, url: string, format: StreamFormat): Promise<Reopened> {
  try {
    const response = await asking.ask({ cell, url, method: "GET" });
    if (response.status === 200 && formatOf(response) === format) return { kind: "open", response };
    void response.body?.cancel().catch(() => {});
    if (response.status === 401 || response.status === 403) return { kind: "unauthorized" };
    return { kind: response.status === 429 || response.status >= 500 ? "away" : "refused" };
  } catch {
    return { kind: "away" };
  }
}

function formatOf({ headers }: Response): StreamFormat | null {
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) return "sse";
  return type.startsWith("application/x-ndjson") ? "ndjson" : null;
}
