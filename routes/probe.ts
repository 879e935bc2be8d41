import { createRoute, z } from "@hono/zod-openapi";
import { requireRequest, requireRoundTrip } from "../src/access/request-rights.ts";
import { CallerLeft } from "../src/connection/operations.ts";
import { probe } from "../src/connection/probe.ts";
import { probeView } from "../src/connection/probe-view.ts";
import { connectionRequestSchema, type ParsedRequest } from "../src/request/connection-request.ts";
import { filterableNameSchema } from "../src/mqtt/fields.ts";
import { Problem } from "../src/problem.ts";
import type { App, Services } from "./context.ts";
import { callSignal } from "./middleware/call-signal.ts";
import { needs } from "./middleware/scopes.ts";
import { jsonBody } from "./middleware/json-body.ts";
import { waitOf, waitParameter } from "./waiting.ts";
import { answers } from "./parameters.ts";

/** `POST /probe`: can I connect, and if not, how far does it come? Keeps nothing. */
export function mountProbe(app: App, { random, stopping }: Services): void {
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
    const timeoutMs = waitOf(c, wait);
    const signal = AbortSignal.any([callSignal(c), stopping]);
    const { attempt, clientIds } = c.get("tenant");
    const result = await c
      .get("tenant")
      .waits.during(c.env?.holdOpen, () =>
        probe(request, attempt, { timeoutMs, roundTrip, signal, random, clientIds }),
      );
    if (result === null && stopping.aborted)
      throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
    if (result === null) throw new CallerLeft();
    // It was not even tried.
    if (result.problem?.code === "attempts-limited") throw result.problem;
    return c.json(probeView(result, c.get("requestId")), 200, { "cache-control": "no-store" });
  });
}
