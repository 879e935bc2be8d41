import { timestamp } from "../clock.ts";
import type { PublishMessage } from "../mqtt/message.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { TopicName } from "../mqtt/topic.ts";
import type { Problem } from "../problem.ts";
import type { Published } from "./publisher.ts";

/** How a message ended that was accepted to be delivered later. */
export type Fate =
  | {
      readonly state: "delivered";
      readonly at: number;
      readonly acknowledgement: Published["acknowledgement"];
    }
  | { readonly state: "expired"; readonly at: number; readonly why: "queue" | "messageExpiryInterval" }
  | {
      readonly state: "rejected";
      readonly at: number;
      readonly code: string;
      readonly detail: string;
      readonly mqtt: object | null;
    };

/** A message that was accepted. Times are those of a clock that goes on over restarts, in milliseconds. */
export interface OutboxEntry {
  readonly id: string;
  /** In the order in which they were accepted. */
  readonly order: number;
  readonly topic: TopicName;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Of the payload. */
  readonly bytes: number;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Null when its fate is known: then nobody needs it. */
  readonly message: PublishMessage | null;
  /** Null while it waits, or is under way. */
  readonly fate: Fate | null;
}

interface StoredMessage extends Omit<PublishMessage, "payload" | "properties"> {
  readonly payload: string;
  readonly properties?: Omit<NonNullable<PublishMessage["properties"]>, "correlationData"> & {
    readonly correlationData?: string;
  };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** The entry as a text that can be kept. */
export function toStoredEntry({ message, ...rest }: OutboxEntry): string {
  if (message === null) return JSON.stringify({ ...rest, message });
  const { payload, properties, ...fields } = message;
  const { correlationData, ...others } = properties ?? {};
  const kept =
    properties === undefined
      ? {}
      : {
          properties: {
            ...others,
            ...(correlationData === undefined ? {} : { correlationData: base64(correlationData) }),
          },
        };
  return JSON.stringify({ ...rest, message: { ...fields, payload: base64(payload), ...kept } });
}

/** The entry of a text that {@link toStoredEntry} made. */
export function fromStoredEntry(text: string): OutboxEntry {
  const { message, ...rest } = JSON.parse(text) as Omit<OutboxEntry, "message"> & {
    message: StoredMessage | null;
  };
  if (message === null) return { ...rest, message };
  const { payload, properties, ...fields } = message;
  const { correlationData, ...others } = properties ?? {};
  return {
    ...rest,
    message: {
      ...fields,
      payload: Buffer.from(payload, "base64"),
      properties:
        properties === undefined
          ? undefined
          : {
              ...others,
              ...(correlationData === undefined
                ? {}
                : { correlationData: Buffer.from(correlationData, "base64") }),
            },
    },
  };
}

/** The entry as callers see it; `isSent`, the broker may have it. */
export function entryView(entry: OutboxEntry, isSent: boolean): Record<string, unknown> {
  const { id, topic, qos, retain, bytes, acceptedAt, expiresAt, fate } = entry;
  return {
    id,
    state: fate?.state ?? (isSent ? "sent" : "queued"),
    topic,
    qos,
    retain,
    bytes,
    acceptedAt: timestamp(acceptedAt),
    expiresAt: timestamp(expiresAt),
    outcome: fate && fateView(fate),
  };
}

/** What is said of a fate, in views and events. */
export function fateView(fate: Fate): Record<string, unknown> {
  const { state: _state, at, ...rest } = fate;
  if (fate.state !== "delivered") return { at: timestamp(at), ...rest };
  const { acknowledgement } = fate;
  return {
    at: timestamp(at),
    reasonCode: acknowledgement?.reasonCode ?? null,
    reasonName: acknowledgement?.reasonName ?? null,
    reasonString: acknowledgement?.reasonString ?? null,
    packetId: acknowledgement?.packetId ?? null,
  };
}

/** What the broker, or a check before it, has said once and for all. */
export function rejection({ code, details }: Problem, at: number): Fate {
  return { state: "rejected", at, code, detail: details.detail, mqtt: details.mqtt ?? null };
}
