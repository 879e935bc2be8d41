import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import type { ClusterSizes } from "./cluster.ts";
import { costsOf } from "./cluster-costs.ts";
import { ClusterStage } from "./cluster-stage.ts";
import { HttpConnection } from "./http-connection.ts";
import { openCallers } from "./publish-http.ts";
import { microseconds, ms, perSecond, times, type Report } from "./report.ts";
import type { Server } from "./servers.ts";
import { median, quantile, timed } from "./statistics.ts";
import { Contestant, ratio, takeTurns, type Turn } from "./turns.ts";

/** One after the other, of each kind at each node; as many again before, which do not count. */
const calls = 600;
const topic = "unheard/calls";

type Kind = "GET" | "publish, QoS 1";

interface Nodes {
  /** Of the connection. */
  readonly right: Server;
  readonly wrong: readonly Server[];
}

/** What it costs that a call comes to a node that does not have the connection. */
export async function measureCalls(sizes: ClusterSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using stage = await ClusterStage.set(broker);
  const [place] = await stage.places(null);
  if (place === undefined) throw new Error("Nobody has a connection");
  const { id, node } = place;
  const nodes = {
    right: stage.node(node),
    wrong: stage.names.filter((name) => name !== node).map((name) => stage.node(name)),
  };
  const http = await HttpConnection.open(nodes.right.url);
  await http.call("PUT", `/connections/${id}`, 201, { url: broker.url, durable: true });
  http.close();
  await oneByOne(id, nodes, report);
  for (const kind of ["GET", "publish, QoS 1"] as const)
    await atOnce(kind, id, { stage, nodes, mosquitto: broker.pid }, sizes, report);
}

/** Turn by turn at the right node and at the others. */
async function oneByOne(id: string, { right, wrong }: Nodes, report: Report): Promise<void> {
  const own = await HttpConnection.open(right.url);
  const others = await Promise.all(wrong.map(({ url }) => HttpConnection.open(url)));
  const kinds: Readonly<Record<Kind, (http: HttpConnection) => Promise<unknown>>> = {
    GET: (http) => http.call("GET", `/connections/${id}`, 200),
    "publish, QoS 1": (http) =>
      http.call("POST", `/connections/${id}/publish?topic=${topic}&qos=1`, 200, { n: 1 }),
  };
  for (const [kind, call] of Object.entries(kinds)) {
    const taken = { right: [] as number[], wrong: [] as number[] };
    for (let i = 0; i < 2 * calls; i += 1) {
      const direct = await timed(() => call(own));
      const around = await timed(() => call(others[i % others.length] ?? own));
      if (i < calls) continue;
      taken.right.push(direct);
      taken.wrong.push(around);
    }
    const difference = median(taken.wrong) - median(taken.right);
    report({
      figure: `${kind} through the wrong node, one at a time: median (p95)`,
      value: `${ms(median(taken.wrong))} (${ms(quantile(taken.wrong, 0.95))})`,
      beside: `right node ${ms(median(taken.right))} (${ms(quantile(taken.right, 0.95))}); + ${ms(difference)}`,
      target: "+ 2 ms",
      met: difference <= 2,
    });
  }
  for (const http of [own, ...others]) http.close();
}

/** Many callers, each with one call under way. */
async function atOnce(
  kind: Kind,
  id: string,
  { stage, nodes, mosquitto }: { stage: ClusterStage; nodes: Nodes; mosquitto: number },
  sizes: ClusterSizes,
  report: Report,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { callers } = sizes;
  const pids = { ...stage.pids.nodes, ...stage.pids.nats, mosquitto };
  const contestant = async (name: string, server: Server) => {
    const load = stack.use(startChild(program("http-load.ts")));
    if (kind === "GET")
      await load.ask({ command: "prepare", url: server.url, path: `/connections/${id}`, count: callers });
    else await openCallers(load, server, { topic, qos: 1, connection: id }, callers);
    return new Contestant(name, { ...pids, load: load.pid }, null, (ms) =>
      load.ask<Turn>({ command: "run", ms }),
    );
  };
  const direct = await contestant("right node", nodes.right);
  const around = await contestant("wrong node", nodes.wrong[0] ?? nodes.right);
  await takeTurns([direct, around], sizes);
  // Each has one under way, so that this is how long one takes.
  const each = (rate: number) => (callers / rate) * 1_000;
  const difference = median(
    around.rates.map((rate, turn) => each(rate) - each(direct.rates[turn] ?? Number.NaN)),
  );
  report({
    figure: `${kind} through the wrong node, ${callers} callers`,
    value: perSecond(median(around.rates)),
    beside: `right node ${perSecond(median(direct.rates))}; ${times(ratio(around, direct))}; + ${ms(difference)} each`,
  });
  const cost = (who: Contestant) =>
    `${microseconds(median(costsOf(who, "node")))} of nodes, ${microseconds(median(costsOf(who, "nats")))} of NATS`;
  report({ figure: "  processor time for each", value: cost(around), beside: `right node ${cost(direct)}` });
}
