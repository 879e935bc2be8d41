import { startBroker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import type { ClusterSizes } from "./cluster.ts";
import { tellCosts } from "./cluster-costs.ts";
import { ClusterStage } from "./cluster-stage.ts";
import { HttpConnection } from "./http-connection.ts";
import { openCallers, refuseLoss } from "./publish-http.ts";
import type { Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

/** QoS 1 messages of callers that call the nodes of their connections, beside as many callers of one node. */
export async function measureClusterPublish(sizes: ClusterSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using counter = startChild(program("light-readers.ts"));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  await using stage = await ClusterStage.set(broker);
  await using alone = await startConnack(undefined, { store: "sqlite" });
  await using stack = new AsyncDisposableStack();
  const places = await stage.places(null);
  const callers = Math.ceil(sizes.callers / places.length);
  const contestant = async (
    name: string,
    serverOf: (node: string) => Server,
    pids: Record<string, number>,
  ) => {
    const loads: Child[] = [];
    for (const { id, node } of places) {
      const server = serverOf(node);
      const http = await HttpConnection.open(server.url);
      await http.call("PUT", `/connections/${id}`, 201, { url: broker.url, durable: true });
      http.close();
      const load = stack.use(startChild(program("http-load.ts")));
      await openCallers(load, server, { topic: "bench/http", qos: 1, connection: id }, callers);
      loads.push(load);
    }
    const more = Object.fromEntries(loads.map(({ pid }, i) => [`load ${i + 1}`, pid]));
    const shared = { mosquitto: broker.pid, subscriber: counter.pid };
    return new Contestant(name, { ...pids, ...more, ...shared }, counter, (ms) => runAll(loads, ms));
  };
  const { nodes, nats } = stage.pids;
  const base = await contestant("one node, SQLite", () => alone, { node: alone.pid });
  const ours = await contestant("three nodes", (name) => stage.node(name), { ...nodes, ...nats });
  await takeTurns([base, ours], sizes);
  refuseLoss([base, ours]);
  tellCosts(`HTTP publish, QoS 1, ${callers * places.length} callers`, ours, base, 1.5, report);
}

/** A turn of several generators at once, as one. */
async function runAll(loads: readonly Child[], ms: number): Promise<Turn> {
  const turns = await Promise.all(loads.map((load) => load.ask<Turn>({ command: "run", ms })));
  return {
    count: turns.reduce((sum, { count }) => sum + count, 0),
    startedAt: Math.min(...turns.map(({ startedAt }) => startedAt)),
    endedAt: Math.max(...turns.map(({ endedAt }) => endedAt)),
    wrong: turns.map(({ wrong }) => wrong).find((each) => each !== null) ?? null,
  };
}
