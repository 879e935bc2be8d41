import { unlimited } from "../src/budget.ts";
import { timestamp } from "../src/clock.ts";
import { Problem } from "../src/problem.ts";
import { controlFrame, type FrameCache, type StreamFormat } from "../src/stream/frame.ts";
import type { Entry, GapReason, OrderedLog } from "../src/stream/log.ts";
import type { Joined, OpenStream } from "../src/stream/subscriber.ts";
import type { AppContext, Services } from "./context.ts";
import type { Start } from "./event-start.ts";

/** What a stream is of, and for whom. */
export interface LiveOptions<E extends Entry, J extends Entry = Entry> {
  readonly log: OrderedLog<E>;
  readonly frames: FrameCache<E>;
  readonly format: StreamFormat;
  readonly start: Start;
  /** Control frames between the gap, if there is one, and the first entry. */
  readonly first?: readonly Uint8Array[];
  /** Which entries are wanted; all, when absent. */
  readonly wants?: ((entry: E) => boolean) | undefined;
  /** Another log, whose entries come in between. */
  readonly joined?: Joined<J> | undefined;
  /** Called when a stream opens; what it returns is called once, however the stream ends. */
  readonly hold?: () => () => void;
}

/** Answers with a stream that begins where `start` says and goes on live; a HEAD request with its headers. */
export function live<E extends Entry, J extends Entry = Entry>(
  c: AppContext,
  { streams, accepting, clock }: Pick<Services, "streams" | "accepting" | "clock">,
  { log, frames, format, start, first = [], wants, joined, hold }: LiveOptions<E, J>,
): Response {
  if (!accepting())
    throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  const headers = {
    "content-type": format === "sse" ? "text/event-stream; charset=utf-8" : "application/x-ndjson",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "connack-last-event-id": log.idOf(start.after),
  };
  // Nobody would read the stream, which would stay open until it is given up.
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const gap = start.gap === null ? [] : [controlFrame(format, "gap", { ...start.gap })];
  const release = hold?.();
  const letTimeOut = c.env?.holdOpen?.();
  const onEnd = () => {
    release?.();
    letTimeOut?.();
  };
  const [principal, tenant] = [c.get("principal"), c.get("tenant")];
  const onGap = (reason: GapReason) => tenant.counters.gaps.add(reason);
  const beginning = { after: start.after, first: [...gap, ...first] };
  const options = { log, frames, format, ...beginning, wants, joined, onGap };
  let stream: OpenStream;
  try {
    const budget = c.env?.isPart === true ? unlimited() : tenant.budgets.streams;
    stream = streams.open(options, c.env?.peer?.() ?? null, budget, () => {
      forget();
      onEnd();
    });
  } catch (error) {
    onEnd();
    throw error;
  }
  if (start.gap !== null) onGap(start.gap.reason);
  const forget = principal.tenure.onOver(() => stream.close("unauthorized", { at: timestamp(clock.wall()) }));
  return c.body(stream.stream, 200, headers);
}
