import type { StreamFormat } from "../src/stream/frame.ts";
import type { GapReason, OrderedLog, Position } from "../src/stream/log.ts";

/** Where a reader begins, and what it cannot have. */
export interface Start {
  readonly after: Position;
  /** It said where it had been, so that its own last id still holds. */
  readonly resumed: boolean;
  readonly gap: {
    readonly requested: string;
    readonly oldest: string | null;
    readonly reason: GapReason;
  } | null;
}

/**
 * Begins after the event that the reader saw last; with `earliest`, before the oldest; with nothing, after the newest.
 * What cannot be resumed begins with the oldest, behind a gap.
 */
export function startOf(log: OrderedLog, lastEventId: string | undefined): Start {
  if (lastEventId === undefined || lastEventId === "") return { after: log.tail, resumed: false, gap: null };
  if (lastEventId === "earliest") return { after: log.beginning, resumed: true, gap: null };
  const resumption = log.resume(lastEventId);
  if (resumption.ok) return { after: resumption.after, resumed: true, gap: null };
  return {
    after: log.beginning,
    resumed: true,
    gap: { requested: lastEventId.slice(0, 128), oldest: resumption.oldest, reason: resumption.reason },
  };
}

/** A stream, or one page. */
export type Format = StreamFormat | "json";

const mediaTypes: Readonly<Record<Format, string>> = {
  sse: "text/event-stream",
  ndjson: "application/x-ndjson",
  json: "application/json",
};

/**
 * The best of `Accept` (RFC 9110 §12.5.1): by weight, then in the order that is given, whose first it is too when there
 * is none; null when none is acceptable.
 */
export function negotiateFormat(
  accept: string | undefined,
  order: readonly [Format, ...Format[]],
): Format | null {
  if (accept === undefined || accept.trim() === "") return order[0];
  const ranges = accept.split(",").map((part) => {
    const [type = "", ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    return { type, q: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
  });
  const weigh = (type: string) => {
    const fits = (range: string) =>
      range === type || range === "*/*" || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
    // The most specific range decides.
    return (
      ranges.filter((range) => fits(range.type)).toSorted((a, b) => b.type.length - a.type.length)[0]?.q ?? 0
    );
  };
  const [best] = order
    .map((format) => ({ format, q: weigh(mediaTypes[format]) }))
    .toSorted((a, b) => b.q - a.q);
  return best === undefined || best.q === 0 ? null : best.format;
}
