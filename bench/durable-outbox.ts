import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import type { DurableSizes } from "./durable.ts";
import { HttpConnection } from "./http-connection.ts";
import { openCallers, refuseLoss } from "./publish-http.ts";
import type { Report } from "./report.ts";
import { startConnack } from "./servers.ts";
import { tellRates } from "./tell-rates.ts";
import { Contestant, takeTurns, type Turn } from "./turns.ts";

const topic = "bench/outbox";

/**
 * Messages accepted in a second to be published later, beside those that are published at once and whose callers wait for
 * PUBACK. What is accepted goes out meanwhile; in the second figure it must have arrived.
 */
export async function measureOutbox(sizes: DurableSizes, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startBroker());
  const counter = stack.use(startChild(program("light-readers.ts")));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  const contestant = async (name: string, query: object, checkout?: string) => {
    const server = stack.use(
      await startConnack(checkout, { store: "sqlite", settings: { CONNACK_MAX_OUTBOX: "1000000" } }),
    );
    const http = await HttpConnection.open(server.url);
    await http.call("PUT", "/connections/bench", 201, { url: broker.url, durable: true });
    http.close();
    const load = stack.use(startChild(program("http-load.ts")));
    await openCallers(load, server, { topic, qos: 1, ...query }, sizes.callers);
    const pids = { server: server.pid, load: load.pid, mosquitto: broker.pid, subscriber: counter.pid };
    const run = (ms: number) => load.ask<Turn>({ command: "run", ms });
    const accepting = async (ms: number) => {
      const before = await counter.ask<{ count: number }>({ command: "reached", count: 0 });
      const turn = await run(ms);
      // The next turn is another one's.
      await counter.ask({ command: "reached", count: before.count + turn.count });
      return turn;
    };
    return {
      accepted: new Contestant(name, pids, null, accepting),
      delivered: new Contestant(name, pids, counter, run),
    };
  };
  const queue = { queue: 60 };
  const base = await contestant("QoS 1 with PUBACK", {});
  const ours = await contestant("connack", queue);
  const others =
    sizes.against === undefined ? [] : [await contestant("other checkout", queue, sizes.against)];
  const all = [base, ours, ...others];
  for (const [kind, said, target] of [
    ["accepted", "accepted, 202", 0.7],
    ["delivered", "accepted and delivered", null],
  ] as const) {
    const of = all.map((each) => each[kind]);
    await takeTurns(of, sizes);
    refuseLoss(of);
    const figure = `outbox, ${sizes.callers} callers: ${said}`;
    tellRates(
      figure,
      ours[kind],
      base[kind],
      target,
      others.map((each) => each[kind]),
      report,
    );
  }
}
