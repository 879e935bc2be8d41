import { startBroker } from "./broker.ts";
import { program, startChild, type Child } from "./child.ts";
import type { ClusterSizes } from "./cluster.ts";
import { ClusterStage } from "./cluster-stage.ts";
import { watchTakeOver, type TakenOver } from "./cluster-watch.ts";
import { openConnections } from "./http-connection.ts";
import { processorSeconds } from "./process-figures.ts";
import { ms, perSecond, times, type Report } from "./report.ts";
import { median, timeAll } from "./statistics.ts";

/** Of mqtt.js; a node dials as many at once for each shard that it takes over. */
const dials = 100;
const callers = 48;
/** Each takes half a minute. */
const mostRounds = 3;

interface Round extends TakenOver {
  /** That the dead node had. */
  readonly third: number;
  /** Milliseconds that mqtt.js takes for as many. */
  readonly raw: number;
  /** Processor time in milliseconds: of the nodes that are left, of the servers of NATS, and of mqtt.js. */
  readonly used: readonly [nodes: number, nats: number, raw: number];
}

/** How soon a third of many connections is back when the node that had it is killed, beside mqtt.js that makes as many. */
export async function measureThird({ rounds, connections }: ClusterSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using raw = startChild(program("raw-mqtt.ts"));
  await using stage = await ClusterStage.set(broker);
  const filled = await fill(stage, connections);
  const taken: Round[] = [];
  for (let round = 0; round < Math.min(rounds, mostRounds); round += 1) {
    const name = stage.names[round % stage.names.length] ?? "";
    taken.push(await killOne(stage, name, connections, raw));
    await stage.start(name);
    await stage.settled();
  }
  report({
    figure: `${connections} durable connections put, a third of the calls at their own node`,
    value: perSecond((connections / filled) * 1_000),
  });
  tell(connections, taken, report);
}

/** By calls to every node; milliseconds for all. */
async function fill({ nodes, broker }: ClusterStage, count: number): Promise<number> {
  const each = await Promise.all(nodes.map(({ url }) => openConnections(url, callers / nodes.length)));
  const all = each.flat();
  const { url } = broker;
  const taken = await timeAll(count, all.length, (i, worker) =>
    all[worker]!.call("PUT", `/connections/bench-${i}`, 201, { url, durable: true }),
  );
  for (const http of all) http.close();
  return taken;
}

async function killOne(stage: ClusterStage, name: string, connections: number, raw: Child): Promise<Round> {
  const { connected: third } = (await stage.look(name)).connections;
  // Whoever was warm before is so to both.
  const { ms: taken, processorMs } = await byHand(raw, stage.broker.url, third);
  const killedAt = stage.kill(name);
  const { nodes, nats } = stage.pids;
  const used = () => [nodes, nats].map((pids) => processorOf(Object.values(pids)));
  const [nodesBefore = 0, natsBefore = 0] = used();
  const over = await watchTakeOver(stage, name, killedAt, connections);
  const [nodesAfter = 0, natsAfter = 0] = used();
  return {
    ...over,
    ...{ third, raw: taken, used: [nodesAfter - nodesBefore, natsAfter - natsBefore, processorMs] },
  };
}

async function byHand(
  raw: Child,
  url: string,
  count: number,
): Promise<{ readonly ms: number; readonly processorMs: number }> {
  const before = processorOf([raw.pid]);
  const { ms } = await raw.ask<{ ms: number }>({ command: "hold", url, count, concurrency: dials });
  const processorMs = processorOf([raw.pid]) - before;
  await raw.ask({ command: "release" });
  return { ms, processorMs };
}

/** Milliseconds. */
function processorOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorSeconds(pid) * 1_000, 0);
}

function tell(connections: number, rounds: readonly Round[], report: Report): void {
  const of = (what: (round: Round) => number) => median(rounds.map(what));
  const rest = ({ connected, noticed }: Round) => connected - noticed;
  const third = Math.round(of((round) => round.third));
  const rows = [
    [
      `${connections} connections, one node of three killed: until its ${third} are back`,
      ({ connected }: Round) => connected,
    ],
    ["  without the time until it is taken for dead", rest],
  ] as const;
  for (const [figure, taken] of rows) {
    const ratio = of((round) => taken(round) / round.raw);
    report({
      figure,
      value: ms(of(taken)),
      beside: `raw mqtt.js ${ms(of(({ raw }) => raw))}; ${times(ratio)}`,
      target: "1.50 ×",
      met: ratio <= 1.5,
    });
  }
  report({ figure: "  until it is taken for dead", value: ms(of(({ noticed }) => noticed)) });
  report({
    figure: "  processor time: the nodes that are left",
    value: ms(of(({ used }) => used[0])),
    beside: `the servers of NATS ${ms(of(({ used }) => used[1]))}; raw mqtt.js ${ms(of(({ used }) => used[2]))}`,
  });
}
