import { createHash, randomUUID } from "node:crypto";
import { timestamp } from "../clock.ts";
import type { Entry, GapReason } from "../stream/log.ts";

/** `connack`: `{type, timestamp, data}`, as Standard Webhooks recommends. `cloudevents`: CloudEvents 1.0, structured. */
export const formats = ["connack", "cloudevents"] as const;
export type Format = (typeof formats)[number];

/** Which of a connection's logs. */
export type LogKind = "messages" | "events";

/** What one delivery tells, whatever the format. */
export interface Occasion {
  /** `webhook-id`: the same at every attempt, and after a restart. */
  readonly id: string;
  readonly type: string;
  /** When it happened, RFC 3339. */
  readonly at: string;
  readonly connection: string | null;
  /** CloudEvents: `source` and `eventId` together name what happened, to whomever it is delivered. */
  readonly source: string;
  readonly eventId: string;
  readonly subject: string | null;
  /** A JSON object. */
  readonly data: string;
}

export interface Body {
  readonly contentType: string;
  readonly text: string;
}

/** The entries that were lost to a lane, as readers of streams are told. */
export interface Gap {
  readonly requested: string;
  readonly oldest: string | null;
  readonly reason: GapReason;
}

/** Where an entry comes from, and to whom it goes. */
export interface Origin {
  readonly webhook: string;
  readonly connection: string;
  readonly kind: LogKind;
}

export function entryOccasion(origin: Origin, entry: Entry): Occasion {
  const { id, at, topic } = JSON.parse(entry.json) as { id: string; at: string; topic?: string };
  const messages = origin.kind === "messages";
  return {
    ...from(origin, id),
    type: messages ? "connack.message" : `connack.event.${entry.type}`,
    at,
    eventId: id,
    subject: messages ? (topic ?? null) : null,
    // A message does not know its connection. The text is spliced, as numbers in it may have more digits than ours.
    data: messages ? `{"connection":${JSON.stringify(origin.connection)},${entry.json.slice(1)}` : entry.json,
  };
}

/** `now` in epoch milliseconds. */
export function gapOccasion(origin: Origin, gap: Gap, now: number): Occasion {
  const common = from(origin, `gap ${gap.requested} ${gap.oldest}`);
  return {
    ...common,
    type: "connack.gap",
    at: timestamp(now),
    eventId: common.id,
    subject: null,
    data: JSON.stringify({ connection: origin.connection, log: origin.kind, ...gap }),
  };
}

export function testOccasion(webhook: string, now: number): Occasion {
  const id = `msg_${randomUUID()}`;
  return {
    id,
    type: "connack.test",
    at: timestamp(now),
    connection: null,
    source: `/webhooks/${webhook}`,
    eventId: id,
    subject: null,
    data: JSON.stringify({ webhook }),
  };
}

/** Ids of entries stay what they are for as long as these are kept, and so does what is made of them. */
function from({ webhook, connection, kind }: Origin, what: string) {
  const digest = createHash("sha256").update(JSON.stringify([webhook, connection, kind, what]));
  return {
    id: `msg_${digest.digest("hex").slice(0, 32)}`,
    connection,
    source: `/connections/${connection}`,
  };
}

export function bodyOf(format: Format, occasion: Occasion): Body {
  const { type, at, data, source, eventId, subject } = occasion;
  if (format === "connack") {
    const head = JSON.stringify({ type, timestamp: at });
    return { contentType: "application/json", text: `${head.slice(0, -1)},"data":${data}}` };
  }
  const head = JSON.stringify({
    specversion: "1.0",
    id: eventId,
    source,
    type,
    time: at,
    ...(subject === null ? {} : { subject }),
    datacontenttype: "application/json",
  });
  return { contentType: "application/cloudevents+json", text: `${head.slice(0, -1)},"data":${data}}` };
}
