import { measureCalls } from "./cluster-calls.ts";
import { measureFailOver } from "./cluster-fail-over.ts";
import { measureClusterInbound } from "./cluster-inbound.ts";
import { measureClusterPublish } from "./cluster-publish.ts";
import { measureThird } from "./cluster-third.ts";
import type { Report } from "./report.ts";
import type { TurnSizes } from "./turns.ts";

export interface ClusterSizes extends TurnSizes {
  /** Keep-alive connections that call, in all. */
  readonly callers: number;
  /** Of which a node has a third, in `third`. */
  readonly connections: number;
  /** Which figures; all when it is empty. */
  readonly only: readonly string[];
}

const figures: Readonly<Record<string, (sizes: ClusterSizes, report: Report) => Promise<void>>> = {
  failover: measureFailOver,
  calls: measureCalls,
  inbound3: (sizes, report) => measureClusterInbound(null, sizes, report),
  inbound44: (sizes, report) => measureClusterInbound(4, sizes, report),
  publish: measureClusterPublish,
  third: measureThird,
};

/** What three nodes on JetStream cost beside one on its own disk, and how soon a dead one is made up for. */
export async function measureCluster(sizes: ClusterSizes, report: Report): Promise<void> {
  for (const [name, measure] of Object.entries(figures))
    if (sizes.only.length === 0 || sizes.only.includes(name)) await measure(sizes, report);
}
