import { timestamp } from "../clock.ts";
import type { Hook } from "./hook.ts";

/** A webhook as its owner sees it; no secrets. */
export function viewOf({ webhook, sender, dead, lanes }: Hook) {
  const { id, url, connection, topics, events, format, labels, standing, createdAt } = webhook;
  const { lastSuccessAt, lastFailure, failuresInARow } = sender.history.summary;
  const { nextAttemptAt } = lanes;
  const { unable } = sender;
  const enabled = standing.state === "enabled";
  return {
    id,
    url,
    connection,
    topics,
    events,
    format,
    enabled,
    labels,
    state: enabled ? (failuresInARow > 0 || unable !== null ? "failing" : "active") : "disabled",
    disabled: enabled ? null : { reason: standing.reason, at: timestamp(standing.at) },
    lastSuccessAt,
    lastFailure: unable === null ? lastFailure : { status: null, ...unable, at: timestamp(unable.at) },
    failuresInARow,
    nextAttemptAt: nextAttemptAt === null ? null : timestamp(nextAttemptAt),
    counters: { ...sender.history.counters, dead: dead.size, deadDropped: dead.dropped },
    createdAt: timestamp(createdAt),
    links: { self: `/webhooks/${id}`, deliveries: `/webhooks/${id}/deliveries` },
  };
}

export type WebhookView = ReturnType<typeof viewOf>;
