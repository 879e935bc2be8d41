import type { Received, WebhookEndpoint } from "./webhook-endpoint.ts";

/** A span as a collector gets it. */
export interface GivenSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly flags: number;
  /** Nanoseconds. */
  readonly duration: bigint;
  readonly status: object;
  readonly attributes: Readonly<Record<string, string>>;
  /** The names of all its members. */
  readonly members: readonly string[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

/** All spans that a collector has got, in order. */
export function spansAt({ received }: WebhookEndpoint): readonly GivenSpan[] {
  return received.flatMap(({ body }: Received) =>
    body.resourceSpans.flatMap((one: { scopeSpans: { spans: Record<string, never>[] }[] }) =>
      one.scopeSpans.flatMap(({ spans }) => spans.map(read)),
    ),
  );
}

export function attributesIn(all: readonly OtlpAttribute[]): Record<string, string> {
  return Object.fromEntries(
    all.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? ""] as const),
  );
}

function read(span: Record<string, never>): GivenSpan {
  const { name, kind, traceId, parentSpanId, flags, status, attributes } = span as unknown as GivenSpan;
  const { startTimeUnixNano: from = "", endTimeUnixNano: to = "" } = span as Record<string, string>;
  return {
    ...{ name, kind, traceId, parentSpanId, flags, status },
    duration: BigInt(to) - BigInt(from),
    attributes: attributesIn(attributes as unknown as readonly OtlpAttribute[]),
    members: Object.keys(span),
  };
}
