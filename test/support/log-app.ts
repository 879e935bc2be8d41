import type { ConnackApp } from "../../src/app.ts";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { serve } from "../../src/serve.ts";
import { FrameCache } from "../../src/stream/frame.ts";
import { OrderedLog, type LogBounds } from "../../src/stream/log.ts";
import { Streams, type StreamLimits } from "../../src/stream/streams.ts";

/** One log and its streams behind a real server, for more events than connections make. */
export interface LogApp extends AsyncDisposable {
  readonly log: OrderedLog;
  readonly streams: Streams;
  readonly url: string;
  readonly port: number;
  /** Appends an event with so many bytes of padding; its data tells when that was. */
  append(bytes: number): void;
}

export function startLogApp(bounds: LogBounds, limits: StreamLimits): LogApp {
  const log = new OrderedLog("e", bounds);
  const frames = new FrameCache();
  const streams = new Streams(limits, systemClock, async () => new Set());
  const budget = new Budget("", 1_000);
  let sequence = 0;
  const fetch: ConnackApp["fetch"] = (request, context) => {
    const id = new URL(request.url).searchParams.get("after");
    const after = id === null ? log.tail : Number(id);
    const release = context?.holdOpen?.();
    const options = { log, frames, format: "sse", after, first: [] } as const;
    const { stream } = streams.open(options, null, budget, () => release?.());
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  };
  const close = async () => streams.shutdown();
  const serving = serve({ fetch }, "127.0.0.1", 0);
  return {
    log,
    streams,
    port: serving.port,
    url: `http://127.0.0.1:${serving.port}/`,
    append(bytes) {
      sequence += 1;
      const json = JSON.stringify({ sequence, at: Date.now(), padding: "x".repeat(bytes) });
      log.append({ sequence, type: "tick", json });
    },
    async [Symbol.asyncDispose]() {
      await close();
      await serving.stop();
    },
  };
}
