import { timestamp } from "../clock.ts";
import type { Hook } from "./hook.ts";

/** A webhook as its owner sees it; no secrets. */
export function viewOf({ webhook, sender, dead, lanes }: Hook) {
  const { id, url, connection, topics, events, format, labels, standing, createdAt } = webhook;
  const { lastSuccessAt, lastFailure, failuresInARow } = sender.history.summary;
  const { nextAttemptAt } = lanes;
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
    state: enabled ? (failuresInARow > 0 ? "failing" : "active") : "disabled",
    disabled: enabled ? null : { reason: standing.reason, at: timestamp(standing.at) },
    lastSuccessAt,
    lastFailure,
    failuresInARow,
    nextAttemptAt: nextAttemptAt === null ? null : timestamp(nextAttemptAt),
    counters: { ...sender.history.counters, dead: dead.size, deadDropped: dead.dropped },
    createdAt: timestamp(createdAt),
    links: { self: `/webhooks/${id}`, deliveries: `/webhooks/${id}/deliveries` },
  };
}

export type WebhookView = ReturnType<typeof viewOf>;
