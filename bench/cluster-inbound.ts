import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import type { ClusterSizes } from "./cluster.ts";
import { tellCosts } from "./cluster-costs.ts";
import { ClusterStage } from "./cluster-stage.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Report } from "./report.ts";
import { startConnack } from "./servers.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

/** Messages of each connection that the broker has sent and that are not acknowledged. */
const window = 100;

/** QoS 1 messages that three nodes keep, each those of its own connections, beside one node that keeps all in its file. */
export async function measureClusterInbound(
  perShard: number | null,
  sizes: ClusterSizes,
  report: Report,
): Promise<void> {
  // Nobody connects to it: a stage has one.
  await using broker = await startBroker();
  await using stage = await ClusterStage.set(broker);
  await using alone = await startConnack(undefined, { store: "sqlite" });
  await using stack = new AsyncDisposableStack();
  const places = await stage.places(perShard);
  const contestant = async (name: string, urlOf: (at: string) => string, pids: Record<string, number>) => {
    const sender = stack.use(startChild(program("ack-broker.ts")));
    const { url } = await sender.ask<{ url: string }>({ command: "listen", window });
    for (const { id, node } of places) {
      const http = await HttpConnection.open(urlOf(node));
      await http.call("PUT", `/connections/${id}`, 201, {
        ...{ url, durable: true, log: { durable: true }, properties: { receiveMaximum: window } },
        subscriptions: [{ topicFilter: "bench/#", qos: 1 }],
      });
      http.close();
    }
    return new Contestant(name, { ...pids, broker: sender.pid }, null, (ms) =>
      sender.ask<Turn>({ command: "run", ms }),
    );
  };
  const { nodes, nats } = stage.pids;
  const base = await contestant("one node, SQLite", () => alone.url, { node: alone.pid });
  const ours = await contestant("three nodes", (name) => stage.node(name).url, { ...nodes, ...nats });
  await takeTurns([base, ours], sizes);
  tellCosts(`durable messages, QoS 1, ${places.length} connections`, ours, base, 1.5, report);
}
