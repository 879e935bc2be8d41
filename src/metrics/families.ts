import type { Limit } from "../budget.ts";
import { clusterFamilies } from "./cluster-families.ts";
import type { Family, Sample } from "./family.ts";
import { timeFamilies } from "./time-families.ts";
import { sizes, stateCounts, type MetricsView } from "./view.ts";

const counted = (tally: Iterable<[string, number]>): Sample[] => [...tally].map(([name, n]) => [n, name]);

/** How often each limit refused: for all, for a tenant within it, and those of one connection or call. */
function* refusals({ limits, counters }: MetricsView): Iterable<Sample> {
  const named = new Set<string>();
  for (const { setting, refused, refusedWithin } of limits) {
    named.add(setting);
    yield [refused, setting];
    const part = tenantSetting(setting);
    if (part === null) continue;
    named.add(part);
    yield [refusedWithin, part];
  }
  for (const [setting, count] of counters.refusals) if (!named.has(setting)) yield [count, setting];
}

/** The setting of a tenant's part; null where there is none. */
function tenantSetting(setting: string): string | null {
  const isWhole = setting.startsWith("CONNACK_MAX_") && setting !== "CONNACK_MAX_TENANTS";
  return isWhole ? setting.replace("CONNACK_", "CONNACK_TENANT_") : null;
}

const perLimit = (read: (limit: Limit) => number) => (view: MetricsView) =>
  view.limits.map((limit): Sample => [read(limit), limit.setting]);

/** What everybody sees of what is his. */
export const families: readonly Family[] = [
  {
    name: "connack_limit_used",
    type: "gauge",
    help: "How much there is of what a limit bounds, by the setting",
    labels: ["limit"],
    read: perLimit(({ used }) => used),
  },
  {
    name: "connack_limit_max",
    type: "gauge",
    help: "How much there may be, by the setting",
    labels: ["limit"],
    read: perLimit(({ most }) => most),
  },
  {
    name: "connack_limit_refused_total",
    type: "counter",
    help: "How often something was refused, dropped or made to wait because of a limit, by the setting",
    labels: ["limit"],
    read: refusals,
  },
  {
    name: "connack_connections",
    type: "gauge",
    help: "Connections by state",
    labels: ["state"],
    read: (view) => Object.entries(stateCounts(view)).map(([state, count]): Sample => [count, state]),
  },
  {
    name: "connack_streams",
    type: "gauge",
    help: "Open streams",
    labels: [],
    read: ({ streams }) => [[streams]],
  },
  {
    name: "connack_attempts_total",
    type: "counter",
    help: "Attempts to connect by outcome: connected, or the code of the failure",
    labels: ["outcome"],
    read: ({ counters }) => counted(counters.attempts),
  },
  {
    name: "connack_broker_reasons_total",
    type: "counter",
    help: "CONNACKs that refused, and DISCONNECTs of brokers, by the name of the reason code",
    labels: ["packet", "reason"],
    read: ({ counters }) => [
      ...[...counters.refusedConnacks].map(([reason, n]): Sample => [n, "connack", reason]),
      ...[...counters.disconnects].map(([reason, n]): Sample => [n, "disconnect", reason]),
    ],
  },
  {
    name: "connack_gaps_total",
    type: "counter",
    help: "How often something was missing for the reader of a stream or a page, or for a webhook, by the reason",
    labels: ["reason"],
    read: ({ counters }) => counted(counters.gaps),
  },
  {
    name: "connack_outbox_messages",
    type: "gauge",
    help: "Messages in outboxes that have yet to be delivered",
    labels: [],
    read: (view) => [[sizes(view).queued]],
  },
  {
    name: "connack_log_messages",
    type: "gauge",
    help: "Messages that have arrived and are kept to be read",
    labels: [],
    read: (view) => [[sizes(view).logged]],
  },
  {
    name: "connack_requests_total",
    type: "counter",
    help: "Requests answered, by the class of the status",
    labels: ["status"],
    read: ({ counters }) => counted(counters.requests),
  },
  {
    name: "connack_problems_total",
    type: "counter",
    help: "Requests answered with a problem, by its code",
    labels: ["code"],
    read: ({ counters }) => counted(counters.problems),
  },
  {
    name: "connack_messages_total",
    type: "counter",
    help: "Messages from and to brokers",
    labels: ["direction"],
    read: ({ counters }) => {
      const { messagesIn, messagesOut } = counters.traffic.read();
      return [
        [messagesIn, "in"],
        [messagesOut, "out"],
      ];
    },
  },
  {
    name: "connack_broker_bytes_total",
    type: "counter",
    help: "Bytes from and to brokers",
    labels: ["direction"],
    read: ({ counters }) => {
      const { bytesIn, bytesOut } = counters.traffic.read();
      return [
        [bytesIn, "in"],
        [bytesOut, "out"],
      ];
    },
  },
  {
    name: "connack_store_healthy",
    type: "gauge",
    help: "Whether the store takes what is to be kept",
    labels: [],
    read: ({ server }) => (server === null ? [] : [[server.isStoreHealthy ? 1 : 0]]),
  },
  {
    name: "connack_connections_restoring",
    type: "gauge",
    help: "Connections that came back after a restart and whose first attempt has not ended",
    labels: [],
    read: ({ server }) => (server === null ? [] : [[server.restoring]]),
  },
  {
    name: "connack_build_info",
    type: "gauge",
    help: "The version that runs",
    labels: ["version"],
    read: ({ server }) => (server === null ? [] : [[1, server.version]]),
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "When the process began, in seconds since the epoch",
    labels: [],
    read: ({ server }) => (server === null ? [] : [[server.startedAt / 1_000]]),
  },
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Memory of the process that is in use",
    labels: [],
    read: ({ server }) => (server === null ? [] : [[server.residentBytes]]),
  },
  ...clusterFamilies,
  ...timeFamilies,
];
