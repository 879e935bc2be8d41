import type { Clock } from "./clock.ts";
import type { ClusterStanding } from "./cluster-standing.ts";
import type { MetricsView } from "./metrics/view.ts";
import type { ServerParts } from "./server-parts.ts";
import type { Shares } from "./shares.ts";

export interface MeasuredServer {
  readonly parts: ServerParts;
  readonly shares: Shares;
  readonly clock: Clock;
  readonly version: string;
  /** Null where there is one node. */
  readonly cluster: (() => ClusterStanding | null) | null;
}

/** What an operator sees of metrics: of all that the process serves, whichever part of it is asked. */
export function serverMetrics({ parts, shares, clock, version, cluster }: MeasuredServer): () => MetricsView {
  const { counters, budgets, rates } = shares;
  const startedAt = clock.wall() - process.uptime() * 1_000;
  return () => {
    const { registries, streams, tenantLimit, restoring, loopLag, commitSeconds } = parts;
    return {
      ...{ counters, registries, streams },
      limits: [...Object.values(budgets), ...Object.values(rates), ...tenantLimit],
      server: {
        ...{ version, startedAt, restoring, commitSeconds, loopLag: loopLag.seconds },
        isStoreHealthy: parts.health.state === "open",
        residentBytes: process.memoryUsage.rss(),
        cluster: cluster?.() ?? null,
      },
    };
  };
}
