import type { Limit } from "../budget.ts";
import type { ClusterStanding } from "../cluster-standing.ts";
import type { Registry } from "../connection/registry.ts";
import type { StateName } from "../connection/state.ts";
import type { HistogramView } from "../histogram.ts";
import type { Counters } from "./counters.ts";

/** What only those see who rule over the server. */
export interface ServerView {
  readonly version: string;
  readonly isStoreHealthy: boolean;
  readonly restoring: number;
  /** Null where there is one node. */
  readonly cluster: ClusterStanding | null;
  /** In epoch milliseconds. */
  readonly startedAt: number;
  readonly residentBytes: number;
  readonly loopLag: HistogramView;
  /** Undefined where nothing is kept on disk. */
  readonly commitSeconds: HistogramView | undefined;
}

/** What metrics are read off: all that there is, or what is one tenant's. */
export interface MetricsView {
  readonly limits: readonly Limit[];
  readonly counters: Counters;
  readonly registries: Iterable<Pick<Registry, "count" | "all">>;
  readonly streams: number;
  /** Null in the view of one tenant. */
  readonly server: ServerView | null;
}

/** How many connections are in each state. */
export function stateCounts({ registries }: Pick<MetricsView, "registries">): Record<StateName, number> {
  const sum = { connecting: 0, connected: 0, waiting: 0, failed: 0, closing: 0, closed: 0 };
  for (const registry of registries)
    for (const [state, count] of Object.entries(registry.count())) sum[state as StateName] += count;
  return sum;
}

/** How many messages wait in outboxes, and how many are in logs. */
export function sizes({ registries }: Pick<MetricsView, "registries">): { queued: number; logged: number } {
  let [queued, logged] = [0, 0];
  for (const registry of registries) {
    for (const { session } of registry.all()) {
      queued += session.parts.outbox?.waiting ?? 0;
      logged += session.messages.log.size;
    }
  }
  return { queued, logged };
}
