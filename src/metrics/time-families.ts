import type { HistogramFamily, HistogramSample } from "./family.ts";
import type { MetricsView } from "./view.ts";

/** Those that have seen something: there are many that never do. */
function used(all: Iterable<HistogramSample>): HistogramSample[] {
  return [...all].filter(([{ count }]) => count > 0);
}

/** How long things took, in seconds. */
export const timeFamilies: readonly HistogramFamily<MetricsView>[] = [
  {
    name: "connack_connect_stage_seconds",
    type: "histogram",
    help: "How long each stage of the attempts to connect took that succeeded",
    labels: ["stage"],
    read: ({ counters }) => used(counters.stages),
  },
  {
    name: "connack_publish_seconds",
    type: "histogram",
    help: "From a publish until it was written (QoS 0), acknowledged, refused by the broker, or lost",
    labels: ["qos", "outcome"],
    read: ({ counters }) => used(counters.publishes),
  },
  {
    name: "connack_store_commit_seconds",
    type: "histogram",
    help: "How long the store took to keep a group of changes; one on disk has them on the disk by then",
    labels: [],
    read: ({ server }) => (server?.commitSeconds === undefined ? [] : [[server.commitSeconds]]),
  },
  {
    name: "connack_event_loop_lag_seconds",
    type: "histogram",
    help: "How late a timer was, asked twice a second",
    labels: [],
    read: ({ server }) => (server === null ? [] : [[server.loopLag]]),
  },
];
