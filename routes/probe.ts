import { createRoute, z } from "@hono/zod-openapi";
import { requireRequest, requireRoundTrip } from "../src/access/request-rights.ts";
import { CallerLeft } from "../src/connection/operations.ts";
import { probe, type ProbeResult, type ProbeStage } from "../src/connection/probe.ts";
import { probeView } from "../src/connection/probe-view.ts";
import {
  connectionRequestSchema,
  type ConnectionRequest,
  type ParsedRequest,
} from "../src/request/connection-request.ts";
import { Metrics } from "../src/metrics/metrics.ts";
import { probeFamilies } from "../src/metrics/probe-families.ts";
import type { TopicName } from "../src/mqtt/topic.ts";
import { requestFields } from "../src/request/schema.ts";
import { filterableNameSchema } from "../src/mqtt/fields.ts";
import { Problem } from "../src/problem.ts";
import type { App, AppContext, Services } from "./context.ts";
import { negotiateFormat } from "./event-start.ts";
import { probeLines } from "./probe-lines.ts";
import { callSignal } from "./middleware/call-signal.ts";
import { needs } from "./middleware/scopes.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { waitOf, waitParameter } from "./waiting.ts";
import { answers } from "./parameters.ts";

/** What `GET /probe` takes; all else is a matter of `POST /probe`. */
const targetQuery = z.strictObject({
  target: z.string().max(8_192),
  protocolVersion: requestFields.shape.protocolVersion,
  wait: waitParameter,
});

/** `POST /probe`: can I connect, and if not, how far does it come? `GET /probe`: the same for Prometheus. Keeps nothing. */
export function mountProbe(app: App, services: Services): void {
  const route = createRoute({
    method: "post",
    path: "/probe",
    middleware: [needs("connections:write"), jsonBody()] as const,
    request: {
      query: z.strictObject({ wait: waitParameter, roundTrip: filterableNameSchema.optional() }),
      body: { required: true, content: { "application/json": { schema: connectionRequestSchema } } },
    },
    responses: answers,
  });
  app.openapi(route, async (c) => {
    const { request } = c.req.valid("json") as ParsedRequest;
    const { wait, roundTrip } = c.req.valid("query");
    requireRequest(c.get("principal"), request);
    if (roundTrip !== undefined) requireRoundTrip(c.get("principal"), roundTrip);
    const asked = { request, timeoutMs: waitOf(c, wait), roundTrip };
    if (negotiateFormat(c.req.header("accept"), ["json", "ndjson"]) === "ndjson")
      return (await probeLines(c as AppContext, services, (onStage, over) =>
        run(c, services, { ...asked, onStage }, over),
      )) as never;
    const result = await run(c, services, asked, callSignal(c));
    return c.json(probeView(result, c.get("requestId")), 200, uncached);
  });
  const metrics = new Metrics(probeFamilies);
  const scraped = createRoute({
    method: "get",
    path: "/probe",
    middleware: [needs("connections:write")] as const,
    request: { query: targetQuery },
    responses: answers,
  });
  app.openapi(scraped, async (c) => {
    const { target, protocolVersion, wait } = c.req.valid("query");
    const request = requestOf(target, protocolVersion);
    const result = await run(c, services, { request, timeoutMs: scrapeWaitOf(c, wait) }, callSignal(c));
    return c.body(await metrics.text(result), 200, { "content-type": metrics.contentType, ...uncached });
  });
}

const uncached = { "cache-control": "no-store" } as const;

interface Asked {
  readonly request: ConnectionRequest;
  readonly timeoutMs: number;
  readonly roundTrip?: TopicName | undefined;
  readonly onStage?: (stage: ProbeStage) => void;
}

async function run(
  c: AppContext,
  { random, stopping }: Services,
  { request, roundTrip, ...rest }: Asked,
  over: AbortSignal,
): Promise<ProbeResult> {
  const signal = AbortSignal.any([over, stopping]);
  const { attempt, clientIds, waits } = c.get("tenant");
  const result = await waits.during(c.env?.holdOpen, () =>
    probe(request, attempt, { ...rest, roundTrip, signal, random, clientIds }),
  );
  if (result === null && stopping.aborted)
    throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  if (result === null) throw new CallerLeft();
  // It was not even tried.
  if (result.problem?.code === "attempts-limited") throw result.problem;
  return result;
}

/** @throws {Problem} which does not repeat the target: it may hold credentials */
function requestOf(target: string, protocolVersion: string): ConnectionRequest {
  const refuse = (detail: string): never => {
    throw new Problem("invalid-request", {
      detail: "The request is not valid",
      errors: [{ parameter: "target", detail }],
    });
  };
  const url = URL.canParse(target) ? new URL(target) : null;
  if (url !== null && (url.username !== "" || url.password !== ""))
    return refuse("what stands in a query is logged on the way; send credentials in the body of POST /probe");
  const parsed = connectionRequestSchema.safeParse({ url: target, protocolVersion });
  if (parsed.success) return parsed.data.request;
  return refuse(parsed.error.issues.map(({ message }) => message).join("; "));
}

/** Half a second less than what Prometheus waits, so that the answer is there in time. */
const scrapeMarginMs = 500;

/** As {@link waitOf}, but at most as long as Prometheus says that it waits. */
function scrapeWaitOf(c: AppContext, wait: number | undefined): number {
  const waitMs = waitOf(c, wait);
  const seconds = /^\d{1,5}(\.\d{1,6})?$/.exec(
    c.req.header("x-prometheus-scrape-timeout-seconds") ?? "",
  )?.[0];
  if (wait !== undefined || seconds === undefined) return waitMs;
  return Math.max(100, Math.min(waitMs, Number(seconds) * 1_000 - scrapeMarginMs));
}
