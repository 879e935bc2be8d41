import { context, propagation, type Tracer } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BatchSpanProcessor, StackContextManager, TracerProvider } from "@opentelemetry/sdk-trace";
import { v4 as uuidv4 } from "uuid";
import type { Logger } from "../log.ts";
import { OtlpExporter } from "./otlp-exporter.ts";

/** Spans that wait for the collector at most; when there are as many, new ones are dropped. About 2 MiB. */
const maxQueueSize = 2_048;
const maxExportBatchSize = 512;
/** A collector that takes longer for a batch has not got it. */
const exportTimeoutMs = 5_000;
const exportEveryMs = 5_000;

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what there is, for so long at most; what has not been taken by then is lost. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * Sends spans to a collector, as far as they may leave (`otlp-json.ts`), in batches and beside the calls: these never wait
 * for it. `endpoint` is the operator's own, which the rules for callers' destinations do not concern.
 */
export function startTracing(endpoint: string, version: string, logger: Logger): Tracing {
  // Both are the API's, for the whole process; set already, they stay. The stack alone is followed: who begins a span
  // and who asks for it stand in one turn of the loop.
  context.setGlobalContextManager(new StackContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const service = {
    "service.name": "connack",
    "service.version": version,
    "service.instance.id": uuidv4(),
  };
  const exporter = new OtlpExporter({
    url: `${endpoint}/v1/traces`,
    service,
    timeoutMs: exportTimeoutMs,
    logger,
  });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize,
    maxExportBatchSize,
    scheduledDelayMillis: exportEveryMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new TracerProvider({ spanProcessors: [processor] });
  return {
    tracer: provider.getTracer("connack", version),
    close: (timeoutMs) => {
      exporter.endIn(timeoutMs);
      // What fails has been logged.
      return provider.shutdown().catch(() => {});
    },
  };
}
