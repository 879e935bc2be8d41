import { httpInstrumentationMiddleware } from "@hono/otel";
import { trace, type Span, type Tracer } from "@opentelemetry/api";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppContext, AppEnv } from "../context.ts";

/** A caller may send any word for a method; a name of spans is one of few. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * A span for each call, which continues the caller's trace (W3C `traceparent`), and ends when the answer begins. What of it
 * leaves the process `otlp-json.ts` says.
 */
export function traced(tracer: Tracer) {
  const instrument = httpInstrumentationMiddleware({
    tracer,
    captureActiveRequests: false,
    spanNameFactory: (c) => `${methodOf(c.req.method)} ${routePath(c)}`,
  });
  return createMiddleware<AppEnv>((c, next) =>
    instrument(c, () => {
      // Here the span is that of this call, and after any wait that of another.
      const span = trace.getActiveSpan();
      return next().then(() => describe(c, span));
    }),
  );
}

function methodOf(method: string): string {
  return methods.has(method) ? method : "_OTHER";
}

function describe(c: AppContext, span: Span | undefined): void {
  span?.setAttribute("http.request.method", methodOf(c.req.method));
  span?.setAttribute("connack.request.id", c.get("requestId"));
  const code = c.get("problemCode");
  if (code !== undefined) span?.setAttribute("connack.problem.code", code);
}
