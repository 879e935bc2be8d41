import type { Broker } from "./broker.ts";
import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import { HttpConnection, openConnections } from "./http-connection.ts";
import { processorSeconds } from "./process-figures.ts";
import { ms, perSecond, times, type Report } from "./report.ts";
import { startBare, startConnack, type Server } from "./servers.ts";
import { median, quantile, timeAll, timed } from "./statistics.ts";

export interface ConnectSizes {
  readonly rounds: number;
  /** Sequential connects in all. */
  readonly sequential: number;
  /** Connects at once, in one round. */
  readonly concurrent: number;
  readonly concurrency: number;
  /** Another checkout of Connack, to measure beside this one. */
  readonly against: string | undefined;
}

/** Someone who can connect: one after the other, and many at once. */
interface Contestant {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds of each. */
  readonly latencies: number[];
  /** Connects a second, of each round. */
  readonly rates: number[];
  /** Milliseconds of processor time of one connect and its end, of each round: it depends least on who else is busy. */
  readonly costs: number[];
  sequential(count: number): Promise<readonly number[]>;
  /** Milliseconds for all; nothing is left open. */
  concurrent(count: number, concurrency: number): Promise<number>;
}

/** How long a connect takes, and how many go in a second: in rounds, everyone's turn in each. */
export async function measureConnect(sizes: ConnectSizes, report: Report): Promise<void> {
  await using broker = await startBroker();
  await using raw = startChild(program("raw-mqtt.ts"));
  await using connack = await startConnack();
  await using bare = await startBare("bare-bridge.ts");
  await using other = sizes.against === undefined ? null : await startConnack(sizes.against);
  const { url } = broker;
  const rawMqtt: Contestant = {
    ...newContestant("raw mqtt.js", raw.pid),
    sequential: (count) => raw.ask({ command: "sequential", url, count }),
    async concurrent(count, concurrency) {
      const { ms } = await raw.ask<{ ms: number }>({ command: "hold", url, count, concurrency });
      await raw.ask({ command: "release" });
      return ms;
    },
  };
  const ours = overHttp("connack", connack, broker);
  const bareBridge = overHttp("bare Hono + mqtt.js", bare, broker);
  const rest = other === null ? [] : [overHttp("other checkout", other, broker)];
  const all = [rawMqtt, ours, bareBridge, ...rest];
  for (const contestant of all) {
    await contestant.sequential(100);
    await contestant.concurrent(sizes.concurrent, sizes.concurrency);
  }
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const contestant of all) {
      contestant.latencies.push(...(await contestant.sequential(Math.ceil(sizes.sequential / sizes.rounds))));
      const before = processorSeconds(contestant.pid);
      const taken = await contestant.concurrent(sizes.concurrent, sizes.concurrency);
      contestant.rates.push((sizes.concurrent / taken) * 1_000);
      contestant.costs.push(((processorSeconds(contestant.pid) - before) / sizes.concurrent) * 1_000);
    }
  }
  tell(ours, rawMqtt, [bareBridge, ...rest], report);
}

function tell(ours: Contestant, raw: Contestant, others: readonly Contestant[], report: Report): void {
  const own = median(ours.latencies);
  const base = median(raw.latencies);
  report({
    figure: "connect, one at a time: median (p95)",
    value: `${ms(own)} (${ms(quantile(ours.latencies, 0.95))})`,
    beside: `raw ${ms(base)} (${ms(quantile(raw.latencies, 0.95))}); + ${ms(own - base)}`,
    target: "raw + 0.8 ms",
    met: own <= base + 0.8,
  });
  const rate = median(ours.rates);
  const rawRate = median(raw.rates);
  report({
    figure: "connects in a second, 50 at once",
    value: perSecond(rate),
    beside: `raw ${perSecond(rawRate)}; ${times(rate / rawRate)}`,
    target: "0.5 × raw",
    met: rate >= 0.5 * rawRate,
  });
  const cost = median(ours.costs);
  report({
    figure: "processor time of a connect and its end",
    value: ms(cost),
    beside: `raw ${ms(median(raw.costs))}; ${times(cost / median(raw.costs))}`,
  });
  for (const { name, latencies, rates, costs } of others) {
    report({
      figure: `  the same, ${name}`,
      value: "",
      beside: `${ms(median(latencies))}, ${perSecond(median(rates))}, ${ms(median(costs))}; connack ${[own / median(latencies), rate / median(rates), cost / median(costs)].map(times).join(", ")}`,
    });
  }
}

function newContestant(name: string, pid: number) {
  return { name, pid, latencies: [], rates: [], costs: [] };
}

function overHttp(name: string, server: Server, broker: Broker): Contestant {
  let made = 0;
  const newId = () => `bench-${(made += 1)}`;
  const open = (http: HttpConnection, id: string) =>
    http.call("POST", "/connections", 201, { id, url: broker.url });
  const remove = (http: HttpConnection, id: string) => http.call("DELETE", `/connections/${id}`, 200);
  return {
    ...newContestant(name, server.pid),
    async sequential(count) {
      const http = await HttpConnection.open(server.url);
      const taken: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const id = newId();
        taken.push(await timed(() => open(http, id)));
        await remove(http, id);
      }
      http.close();
      return taken;
    },
    async concurrent(count, concurrency) {
      const connections = await openConnections(server.url, concurrency);
      const ids = Array.from({ length: count }, newId);
      const at = (worker: number) => connections[worker]!;
      const taken = await timeAll(count, concurrency, (i, worker) => open(at(worker), ids[i]!));
      await timeAll(count, concurrency, (i, worker) => remove(at(worker), ids[i]!));
      for (const http of connections) http.close();
      return taken;
    },
  };
}
