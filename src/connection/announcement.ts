import type { Failure } from "../broker/failure.ts";

/** The types of lifecycle events that a connection announces. */
export const announcementTypes = [
  "connecting",
  "connected",
  "refused",
  "error",
  "disconnected",
  "waiting",
  "failed",
  "closing",
  "closed",
  "subscribed",
  "unsubscribed",
  "subscription-refused",
  "delivered",
  "expired",
  "rejected",
  "moved",
] as const;

export type AnnouncementType = (typeof announcementTypes)[number];

/** What a lifecycle event says beyond the connection's state: fields of its type. Never secrets. */
export interface Announcement {
  readonly type: AnnouncementType;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function announce(
  type: AnnouncementType,
  fields: Readonly<Record<string, unknown>> = {},
): { type: "announce"; announcement: Announcement } {
  return { type: "announce", announcement: { type, fields } };
}

/** A failure as events show it. */
export function failureFields(failure: Failure): Record<string, unknown> {
  const { stage, code, detail, retryable, hint, cause, httpStatus, mqtt } = failure;
  return {
    stage,
    code,
    detail,
    retryable,
    hint,
    ...(cause === undefined ? {} : { cause }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(mqtt === undefined ? {} : { reasonCode: mqtt.reasonCode, reasonName: mqtt.reasonName, mqtt }),
  };
}
