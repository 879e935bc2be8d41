import type { BrokerReason } from "../broker/failure.ts";
import type { ProbeResult } from "../connection/probe.ts";
import type { Family, Sample } from "./family.ts";

/** What `GET /probe` tells Prometheus; the first three have the names that its blackbox exporter has. */
export const probeFamilies: readonly Family<ProbeResult>[] = [
  {
    name: "probe_success",
    type: "gauge",
    help: "Whether the broker could be connected to",
    labels: [],
    read: ({ ok }) => [[ok ? 1 : 0]],
  },
  {
    name: "probe_duration_seconds",
    type: "gauge",
    help: "How long all stages took",
    labels: [],
    read: ({ stages }) => [[stages.reduce((sum, { ms }) => sum + ms, 0) / 1_000]],
  },
  {
    name: "probe_ssl_earliest_cert_expiry",
    type: "gauge",
    help: "When the broker's certificate ends, in seconds since the epoch",
    labels: [],
    read: ({ certificateEndsAt }) => (certificateEndsAt === null ? [] : [[certificateEndsAt / 1_000]]),
  },
  {
    name: "connack_probe_stage_seconds",
    type: "gauge",
    help: "How long each stage took that was reached",
    labels: ["stage"],
    read: stageSeconds,
  },
  {
    name: "connack_probe_reason_code",
    type: "gauge",
    help: "The reason code of the CONNACK, where one came",
    labels: [],
    read: reasonCode,
  },
  {
    name: "connack_probe_failure",
    type: "gauge",
    help: "1 with the stage that failed and the code of the problem, where one did",
    labels: ["stage", "code"],
    read: ({ stages, problem }) =>
      problem === null ? [] : [[1, stages.findLast(({ ok }) => !ok)?.name ?? "policy", problem.code]],
  },
];

/** Where a version was refused and another one tried, a stage has passed twice. */
function stageSeconds({ stages }: ProbeResult): Sample[] {
  const sums = new Map<string, number>();
  for (const { name, ms } of stages) sums.set(name, (sums.get(name) ?? 0) + ms / 1_000);
  return [...sums].map(([name, seconds]) => [seconds, name]);
}

function reasonCode({ established, problem }: ProbeResult): Sample[] {
  if (established !== null) return [[established.connack.reasonCode]];
  const mqtt = problem?.details.mqtt as BrokerReason | undefined;
  return mqtt?.packet === "connack" ? [[mqtt.reasonCode]] : [];
}
