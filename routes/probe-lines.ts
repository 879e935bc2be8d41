import { CallerLeft } from "../src/connection/operations.ts";
import type { ProbeResult, ProbeStage } from "../src/connection/probe.ts";
import { probeView } from "../src/connection/probe-view.ts";
import { Problem } from "../src/problem.ts";
import type { AppContext, Services } from "./context.ts";

/** Has a probe run until it ends, or `over` aborts. */
export type RunProbe = (onStage: (stage: ProbeStage) => void, over: AbortSignal) => Promise<ProbeResult>;

/**
 * Answers with a probe as it goes: a line for each stage that has ended, and one for the result. A probe has a handful of
 * stages, so that nothing has to wait for the reader.
 *
 * @throws {Problem} what the probe is refused with before its first stage has ended
 */
export async function probeLines(c: AppContext, { logger }: Services, run: RunProbe): Promise<Response> {
  const [requestId, { tenure }] = [c.get("requestId"), c.get("principal")];
  const stages: ProbeStage[] = [];
  const gone = new AbortController();
  const leave = () => gone.abort();
  const { readable, writable } = new TransformStream<string, string>(undefined, { highWaterMark: 64 });
  const writer = writable.getWriter();
  // The reader has gone: the probe ends with it.
  writer.closed.catch(leave);
  const write = (type: string, line: object) =>
    void writer.write(`${JSON.stringify({ type, ...line })}\n`).catch(leave);
  const begun = Promise.withResolvers<void>();
  const forget = tenure.onOver(leave);
  const running = run(
    (stage) => {
      stages.push(stage);
      write("stage", stage);
      begun.resolve();
    },
    AbortSignal.any([gone.signal, c.req.raw.signal]),
  ).finally(forget);
  await Promise.race([begun.promise, running]);
  running
    .then((result) => write("result", probeView(result, requestId)))
    .catch((error: unknown) => {
      if (error instanceof Problem) write("result", { ok: false, stages, problem: error.toBody(requestId) });
      else if (!(error instanceof CallerLeft))
        logger.error("a probe failed in Connack", { requestId, error: String(error) });
    })
    .finally(() => void writer.close().catch(leave));
  return c.body(readable.pipeThrough(new TextEncoderStream()), 200, {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  });
}
