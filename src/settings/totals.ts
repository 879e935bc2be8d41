import { integer } from "./forms.ts";
import { setting, type Setting } from "./setting.ts";

/** How much there may be of everything over all connections and calls, and how often: in all, and for a tenant. */
export const totalSettings = {
  MAX_TOTAL_SUBSCRIPTIONS: setting(
    integer(1, 100_000_000),
    1_000_000,
    "Subscriptions of all connections at most. Full: 429.",
  ),
  TENANT_MAX_TOTAL_SUBSCRIPTIONS: setting(
    integer(1, 100_000_000),
    100_000,
    "Subscriptions of all connections of one tenant at most, other than `default`. Full: 429.",
  ),
  MAX_TOTAL_INFLIGHT: setting(
    integer(1, 100_000_000),
    200_000,
    "Publishes of all connections under way at most. Full: 429.",
  ),
  TENANT_MAX_TOTAL_INFLIGHT: setting(
    integer(1, 100_000_000),
    50_000,
    "Publishes of all connections of one tenant under way at most, other than `default`. Full: 429.",
  ),
  MAX_TOTAL_OUTBOX_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    1_073_741_824,
    "Bytes of the payloads in all outboxes at most, and 512 for each message. Full: 429.",
  ),
  TENANT_MAX_TOTAL_OUTBOX_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    268_435_456,
    "The same of one tenant, other than `default`. Full: 429.",
  ),
  MAX_TOTAL_LOG_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    1_073_741_824,
    "Bytes of all messages and events kept to be read at most, those in memory alone and those on disk as well. Full: the log to which something is added loses its oldest, and who had not read that is told `gap`.",
  ),
  TENANT_MAX_TOTAL_LOG_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    268_435_456,
    "The same of one tenant, other than `default`, on each node.",
  ),
  MAX_IDEMPOTENCY_KEYS: setting(
    integer(1, 100_000_000),
    100_000,
    "Answers by Idempotency-Key kept at most. Full: the tenant that adds one loses its oldest.",
  ),
  TENANT_MAX_IDEMPOTENCY_KEYS: setting(
    integer(1, 100_000_000),
    10_000,
    "The same of one tenant, other than `default`, on each node.",
  ),
  MAX_IDEMPOTENCY_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    268_435_456,
    "Bytes of the bodies of those at most. Full: as well.",
  ),
  TENANT_MAX_IDEMPOTENCY_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    67_108_864,
    "The same of one tenant, other than `default`, on each node.",
  ),
  MAX_TOTAL_BODY_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    268_435_456,
    "Bytes of request bodies that are being read at once at most, by their announced length; one that announces none counts as the largest there may be. Full: 429.",
  ),
  TENANT_MAX_TOTAL_BODY_BYTES: setting(
    integer(1_024, 281_474_976_710_656),
    67_108_864,
    "The same of one tenant, other than `default`, on each node. Full: 429.",
  ),
  MAX_REQUESTS_PER_SECOND: setting(
    integer(1, 100_000_000),
    200_000,
    "Calls a second at most, `/healthz`, `/readyz` and `/metrics` not counted; as many may come at once. More: 429.",
  ),
  TENANT_MAX_REQUESTS_PER_SECOND: setting(
    integer(1, 100_000_000),
    50_000,
    "Calls of one tenant a second at most, other than `default`. More: 429.",
  ),
  MAX_ATTEMPTS_PER_MINUTE: setting(
    integer(1, 100_000_000),
    60_000,
    "Attempts to connect to brokers a minute at most, retries and probes included; as many may come at once. The first attempts after a restart are not counted: CONNACK_DIALS_AT_START paces them. More: the attempt fails with `attempts-limited` (429), and is made later where it is retried.",
  ),
  TENANT_MAX_ATTEMPTS_PER_MINUTE: setting(
    integer(1, 100_000_000),
    15_000,
    "Those of one tenant a minute at most, other than `default`.",
  ),
} satisfies Record<string, Setting<unknown>>;
