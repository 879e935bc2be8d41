import type { RequestContext } from "../app.ts";
import { timestamp, type Clock } from "../clock.ts";
import { Problem } from "../problem.ts";
import { controlFrame, openingFrame, type StreamFormat } from "../stream/frame.ts";
import type { Streams } from "../stream/streams.ts";
import type { Asking } from "./front-ask.ts";
import { headOf, jointGap, jointSnapshot, type Head } from "./front-heads.ts";
import { MergedStream } from "./front-merged.ts";
import { Part, type Reopened, type Whole } from "./front-part.ts";
import type { Starts } from "./front-starts.ts";
import type { Vector } from "./front-vector.ts";

export interface LiveOptions {
  /** Of the front's own, which it beats the hearts of, cuts off where nobody reads them, and ends when this node does. */
  readonly streams: Streams;
  readonly streamWriteTimeoutMs: number;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborts when this node takes no new work. */
  readonly stopping: AbortSignal;
}

/** What the cells have answered. */
interface Opening {
  readonly format: StreamFormat;
  /** Where they begin; moved on with what the reader is given. */
  readonly vector: Vector;
  readonly starts: Starts;
  /** Ends with the stream. */
  readonly asking: Asking;
  readonly responses: readonly Response[];
}

/** @throws {Problem} `shutting-down` */
export function requireRunning(stopping: AbortSignal): void {
  if (stopping.aborted)
    throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
}

/**
 * One stream of those of all cells.
 *
 * @throws {Problem} `no-owner`, `shutting-down`, and then none of them is open any more
 */
export async function openStream(
  options: LiveOptions,
  opening: Opening,
  context: RequestContext | undefined,
): Promise<MergedStream> {
  const { streams, streamWriteTimeoutMs: writeTimeoutMs, clock, stopping } = options;
  const { format, vector, asking, responses } = opening;
  let merged: MergedStream | null = null;
  const whole = wholeOf(options, opening, () => merged);
  await using opened = new AsyncDisposableStack();
  const parts = responses.map((response, cell) => new Part(cell, whole, response));
  opened.defer(() => parts.forEach((part) => part.stop()));
  const heads = await Promise.all(parts.map(headOf));
  asking.signal.throwIfAborted();
  requireRunning(stopping);
  let remove = () => {};
  const letTimeOut = context?.holdOpen?.();
  const onEnd = () => {
    remove();
    asking[Symbol.dispose]();
    for (const part of parts) part.stop();
    letTimeOut?.();
  };
  const first = beginningOf(heads, opening, timestamp(clock.wall()));
  merged = new MergedStream({ format, vector, clock, onEnd, first, writeTimeoutMs });
  remove = streams.add(merged, context?.peer?.() ?? null);
  const stream = merged;
  for (const [i, part] of parts.entries()) void part.run(heads[i]?.rest ?? []).catch(() => stream.fail());
  // The caller has gone, and the runtime may not tell the stream so.
  asking.signal.addEventListener("abort", () => stream.fail(), { once: true });
  opened.move();
  return stream;
}

function wholeOf(
  { random, clock }: LiveOptions,
  { format, vector, starts, asking }: Opening,
  merged: () => MergedStream | null,
): Whole {
  return {
    ...{ format, random, signal: asking.signal },
    reopen: (cell) =>
      cell === starts.joins
        ? Promise.resolve({ kind: "over" })
        : reopen(asking, cell, starts.urlAfter(vector.idOf(cell)), format),
    deliver: (part, frames) => merged()?.deliver(part, frames) ?? Promise.resolve(),
    lost: (reason) => {
      const words = { unauthorized: "unauthorized", over: "shutdown" } as const;
      if (reason === "refused") merged()?.fail();
      else merged()?.close(words[reason], { at: timestamp(clock.wall()) });
    },
  };
}

/** A resumed reader keeps its last id until it gets the next event: the snapshot must not move it past those. */
function beginningOf(heads: readonly Head[], { format, vector, starts }: Opening, at: string): Uint8Array {
  const gap = jointGap(heads, vector, starts.requested.live);
  const id = starts.isResumed ? undefined : vector.text();
  return Buffer.concat([
    openingFrame(format, at),
    ...(gap === null ? [] : [controlFrame(format, "gap", gap)]),
    controlFrame(format, "snapshot", jointSnapshot(heads, at), id),
  ]);
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

/** Null where it is no stream. */
export function formatOf({ headers }: Response): StreamFormat | null {
  const type = headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) return "sse";
  return type.startsWith("application/x-ndjson") ? "ndjson" : null;
}
