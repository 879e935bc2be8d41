import type { ClusterStanding } from "../cluster-standing.ts";
import type { NumberFamily, Sample } from "./family.ts";
import type { MetricsView } from "./view.ts";

/** Of the cluster, as the node sees it that is asked; nothing where there is one node. */
const seen =
  (read: (standing: ClusterStanding) => Iterable<Sample>) =>
  ({ server }: MetricsView): Iterable<Sample> =>
    server === null || server.cluster === null ? [] : read(server.cluster);

const counted = (counts: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(counts).map(([name, count]): Sample => [count, name]);

/** What a node tells of the cluster. */
export const clusterFamilies: readonly NumberFamily<MetricsView>[] = [
  {
    name: "connack_cluster_nodes",
    type: "gauge",
    help: "Nodes that this node takes for alive, itself among them",
    labels: [],
    read: seen(({ nodes }) => [[nodes.length]]),
  },
  {
    name: "connack_cluster_shards",
    type: "gauge",
    help: "Shards by whose they are: this node's, another one's, or nobody's",
    labels: ["state"],
    read: seen(({ shards: { total, owned, unowned } }) => [
      [owned.length, "owned"],
      [total - owned.length - unowned.length, "elsewhere"],
      [unowned.length, "unowned"],
    ]),
  },
  {
    name: "connack_cluster_moves_total",
    type: "counter",
    help: "Shards that this node has got, by why",
    labels: ["cause"],
    read: seen(({ moves }) => counted(moves)),
  },
  {
    name: "connack_cluster_lease_held",
    type: "gauge",
    help: "Whether this node may hold connections: it has renewed its lease in time",
    labels: [],
    read: seen(({ holdsLease }) => [[holdsLease ? 1 : 0]]),
  },
  {
    name: "connack_cluster_lag_seconds",
    type: "gauge",
    help: "Since the lease was renewed, which is tried each second",
    labels: [],
    read: seen(({ lagMs }) => [[lagMs / 1_000]]),
  },
  {
    name: "connack_cluster_calls_total",
    type: "counter",
    help: "Calls that this node took to other nodes, by what came of them",
    labels: ["outcome"],
    read: seen(({ calls }) => counted(calls)),
  },
];
