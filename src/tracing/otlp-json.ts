import type { Attributes, HrTime } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/** What spans are from. */
export type Service = Readonly<Record<string, string>>;

/**
 * What may leave of a span. Instrumentation records more: the URL with its query, where tickets stand, and the messages of
 * exceptions. What is not named here, events, links and the caller's `tracestate` stay.
 */
const leaving = new Set([
  "http.request.method",
  "http.response.status_code",
  "http.route",
  "connack.problem.code",
  "connack.request.id",
]);

const errorStatus = 2;
/** Of W3C: the flags are known to be the parent's own; and it is in another process. */
const hasIsRemote = 0x100;
const isRemote = 0x200;

/** The body of a call that exports spans, as OTLP has it in JSON (opentelemetry-proto `ExportTraceServiceRequest`). */
export function otlpJson(service: Service, spans: readonly ReadableSpan[]): object {
  const scope = { name: "connack", version: service["service.version"] };
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(service) },
        scopeSpans: [{ scope, spans: spans.map(spanJson) }],
      },
    ],
  };
}

function spanJson(span: ReadableSpan): object {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const parent = span.parentSpanContext;
  const remote = parent?.isRemote === true ? isRemote : 0;
  const attributes = Object.entries(span.attributes).filter(([name]) => leaving.has(name));
  const status = span.attributes["http.response.status_code"];
  return {
    traceId,
    spanId,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    flags: traceFlags | hasIsRemote | remote,
    name: span.name,
    // OTLP begins with "unspecified".
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: attributesOf(Object.fromEntries(attributes)),
    // That a caller was wrong is no error of the server's.
    status: typeof status === "number" && status >= 500 ? { code: errorStatus } : {},
  };
}

function attributesOf(attributes: Readonly<Attributes>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: String(value) },
  }));
}

function nanoseconds([seconds, rest]: HrTime): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(rest));
}
