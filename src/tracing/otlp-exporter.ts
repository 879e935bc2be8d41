import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../log.ts";
import { otlpJson, type Service } from "./otlp-json.ts";

export interface OtlpOptions {
  readonly url: string;
  readonly service: Service;
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** A collector that is away is told of so often at most, in milliseconds, whatever the number of calls. */
const warnEveryMs = 60_000;

/** Posts spans as OTLP/HTTP has it, in JSON. What is not taken is dropped: a collector that is away may fill no memory. */
export class OtlpExporter implements SpanExporter {
  readonly #options: OtlpOptions;
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #warnedAt = -Infinity;
  #lost = 0;

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    void this.#try(spans, done);
  }

  /** Gives up whatever is under way when the time is over. */
  endIn(timeoutMs: number): void {
    this.#timer = setTimeout(() => this.#ending.abort(), timeoutMs);
  }

  async shutdown(): Promise<void> {
    clearTimeout(this.#timer);
  }

  async #try(spans: readonly ReadableSpan[], done: (result: ExportResult) => void): Promise<void> {
    let code = ExportResultCode.SUCCESS;
    try {
      await this.#send(spans);
    } catch (error) {
      this.#warn(spans.length, error);
      code = ExportResultCode.FAILED;
    }
    done({ code });
  }

  async #send(spans: readonly ReadableSpan[]): Promise<void> {
    const { url, service, timeoutMs } = this.#options;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(otlpJson(service, spans)),
      // Where it is not, spans are not to go.
      redirect: "error",
      signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the collector answered ${response.status}`);
  }

  #warn(lost: number, error: unknown): void {
    this.#lost += lost;
    const now = performance.now();
    if (now - this.#warnedAt < warnEveryMs) return;
    const detail = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn("spans were not taken, and are lost", { lost: this.#lost, detail });
    this.#warnedAt = now;
    this.#lost = 0;
  }
}
