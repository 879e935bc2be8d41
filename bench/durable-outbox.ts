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

/** Nobody listens there. */
const nowhere = "mqtt://127.0.0.1:1";

/** One who takes messages, as whom a turn of it can be counted. */
interface Taker {
  /** To the last answer; what was accepted goes out meanwhile, and has gone when the next turn begins. */
  readonly accepts: () => Contestant;
  /** To the last arrival. */
  readonly delivers: () => Contestant;
  /** To the last answer; nothing goes out. */
  readonly keeps: () => Contestant;
}

/**
 * Messages accepted in a second to be published later, beside those that are published at once and whose callers wait for
 * PUBACK.
 */
export async function measureOutbox(sizes: DurableSizes, report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startBroker());
  const counter = stack.use(startChild(program("light-readers.ts")));
  await counter.ask({ command: "open", kind: "mqtt", url: broker.url, target: "bench/#", count: 1 });
  const taker = async (name: string, query: object, checkout?: string, url = broker.url): Promise<Taker> => {
    const settings = { CONNACK_MAX_OUTBOX: "1000000", CONNACK_LOG_LEVEL: "error" };
    const server = stack.use(await startConnack(checkout, { store: "sqlite", settings }));
    const http = await HttpConnection.open(server.url);
    const isAway = url === nowhere;
    const path = `/connections/bench${isAway ? "?wait=0" : ""}`;
    await http.call("PUT", path, isAway ? 202 : 201, { url, durable: true });
    http.close();
    const load = stack.use(startChild(program("http-load.ts")));
    await openCallers(load, server, { topic, qos: 1, ...query }, sizes.callers);
    const shared = isAway ? {} : { mosquitto: broker.pid, subscriber: counter.pid };
    const pids = { server: server.pid, load: load.pid, ...shared };
    const run = (ms: number) => load.ask<Turn>({ command: "run", ms });
    const accepting = async (ms: number) => {
      const before = await counter.ask<{ count: number }>({ command: "reached", count: 0 });
      const turn = await run(ms);
      await counter.ask({ command: "reached", count: before.count + turn.count });
      return turn;
    };
    return {
      accepts: () => new Contestant(name, pids, null, accepting),
      delivers: () => new Contestant(name, pids, counter, run),
      keeps: () => new Contestant(name, pids, null, run),
    };
  };
  const base = await taker("QoS 1 with PUBACK", {});
  const measure = async (said: string, kind: keyof Taker, target: number | null, all: readonly Taker[]) => {
    const [ours, ...others] = all.map((each) => each[kind]()) as [Contestant, ...Contestant[]];
    const beside = base[kind === "keeps" ? "accepts" : kind]();
    await takeTurns([beside, ours, ...others], sizes);
    refuseLoss([beside, ours, ...others]);
    tellRates(`outbox, ${sizes.callers} callers: ${said}`, ours, beside, target, others, report);
  };
  const takers = async (query: object, url?: string) => {
    const ours = await taker("connack", query, undefined, url);
    const { against } = sizes;
    return against === undefined ? [ours] : [ours, await taker("other checkout", query, against, url)];
  };
  const connected = await takers({ queue: 60 });
  await measure("accepted, 202", "accepts", 0.7, connected);
  await measure("accepted and delivered", "delivers", null, connected);
  await measure("accepted while the broker is away", "keeps", null, await takers({ queue: 3_600 }, nowhere));
}
