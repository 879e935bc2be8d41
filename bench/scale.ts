import { setTimeout as sleep } from "node:timers/promises";
import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import { HttpConnection, openConnections } from "./http-connection.ts";
import { processorSeconds, settledBytes } from "./process-figures.ts";
import { kilobytes, ms, percent, perSecond, times, type Report } from "./report.ts";
import { startConnack, type Server } from "./servers.ts";
import { median, timeAll, timed } from "./statistics.ts";

export interface ScaleSizes {
  readonly connections: number;
  /** Milliseconds for memory to come to rest. */
  readonly settleMs: number;
  /** Seconds of rest over which processor time is counted; a ping of each is in 48 at keep alive 60. */
  readonly idleSeconds: number;
  readonly against: string | undefined;
}

const concurrency = 50;
/** How many of each are opened and closed first, so that code and caches are there before memory is looked at. */
const warmUp = 1_000;

/** Who holds the connections, with what was seen of it. */
interface Holder {
  readonly name: string;
  readonly pid: number;
  readonly hold: (count: number) => Promise<number>;
  readonly release: (count: number) => Promise<void>;
  bytesEach: number;
  rate: number;
  /** The share of one core: over the whole rest, and over each ten seconds of it. */
  idle: { whole: number; slices: readonly number[] };
}

/** What many connections cost: memory, processor time at rest, and what else gets slower. */
export async function measureScale(sizes: ScaleSizes, report: Report): Promise<void> {
  await using connack = await startConnack();
  await using other = sizes.against === undefined ? null : await startConnack(sizes.against);
  await using raw = startChild(program("raw-mqtt.ts"));
  await using brokerOfRaw = await startBroker();
  await using broker = await startBroker();
  const { url } = brokerOfRaw;
  const rawMqtt: Holder = {
    ...newHolder("raw mqtt.js", raw.pid),
    hold: async (count) => (await raw.ask<{ ms: number }>({ command: "hold", url, count, concurrency })).ms,
    release: async () => {
      await raw.ask({ command: "release" });
    },
  };
  const ours = overHttp("connack", connack, broker.url);
  await using brokerOfOther = other === null ? null : await startBroker();
  const rest = other === null ? [] : [overHttp("other checkout", other, brokerOfOther?.url ?? "")];
  const all = [rawMqtt, ours, ...rest];
  for (const holder of all) {
    await holder.hold(warmUp);
    await holder.release(warmUp);
  }
  for (const holder of all) await fill(holder, sizes);
  await letRest(all, sizes.idleSeconds);
  await using small = await startConnack();
  await overHttp("connack with 10", small, broker.url).hold(10);
  const taken = await latencies({ few: small, many: connack }, broker.url);
  tellHolding(sizes, ours, [rawMqtt, ...rest], report);
  for (const call of ["GET", "DELETE"] as const) {
    const { few, many } = taken[call];
    report({
      figure: `${call}, median: ${sizes.connections} open`,
      value: ms(many),
      beside: `10 open: ${ms(few)}; ${times(many / few)}`,
      target: "1.5 ×",
      met: many <= 1.5 * few,
    });
  }
}

function newHolder(name: string, pid: number) {
  return { name, pid, bytesEach: 0, rate: 0, idle: { whole: 0, slices: [] as readonly number[] } };
}

function overHttp(name: string, server: Server, brokerUrl: string): Holder {
  const each = async (count: number, call: (http: HttpConnection, id: string) => Promise<unknown>) => {
    const connections = await openConnections(server.url, concurrency);
    const taken = await timeAll(count, concurrency, (i, worker) => call(connections[worker]!, `bench-${i}`));
    for (const http of connections) http.close();
    return taken;
  };
  return {
    ...newHolder(name, server.pid),
    hold: (count) =>
      each(count, (http, id) => http.call("POST", "/connections", 201, { id, url: brokerUrl })),
    release: async (count) => {
      await each(count, (http, id) => http.call("DELETE", `/connections/${id}`, 200));
    },
  };
}

async function fill(holder: Holder, { connections, settleMs }: ScaleSizes): Promise<void> {
  const before = await settledBytes(holder.pid, settleMs);
  holder.rate = (connections / (await holder.hold(connections))) * 1_000;
  holder.bytesEach = ((await settledBytes(holder.pid, settleMs)) - before) / connections;
}

/** Everyone rests at the same time. */
async function letRest(holders: readonly Holder[], seconds: number): Promise<void> {
  const slice = Math.min(10, seconds);
  const looks: number[][] = [];
  for (let passed = 0; passed <= seconds; passed += slice) {
    if (passed > 0) await sleep(slice * 1_000);
    looks.push(holders.map(({ pid }) => processorSeconds(pid)));
  }
  for (const [i, holder] of holders.entries()) {
    const used = looks.slice(1).map((look, at) => (look[i]! - looks[at]![i]!) / slice);
    holder.idle = {
      whole: used.reduce((sum, part) => sum + part, 0) / used.length,
      slices: used,
    };
  }
}

/** A server with few connections open, and one with many. */
interface Pair<T> {
  readonly few: T;
  readonly many: T;
}

/** Medians of 200 calls each, turn by turn, after as many that do not count: rest lets compiled code go. */
async function latencies(
  servers: Pair<Server>,
  brokerUrl: string,
): Promise<Record<"GET" | "DELETE", Pair<number>>> {
  const few = await HttpConnection.open(servers.few.url);
  const many = await HttpConnection.open(servers.many.url);
  const taken = {
    GET: { few: [] as number[], many: [] as number[] },
    DELETE: { few: [] as number[], many: [] as number[] },
  };
  for (let i = 0; i < 400; i += 1) {
    for (const [name, http] of [
      ["few", few],
      ["many", many],
    ] as const) {
      const get = await timed(() => http.call("GET", "/connections/bench-3", 200));
      await http.call("POST", "/connections", 201, { id: "brief", url: brokerUrl });
      const remove = await timed(() => http.call("DELETE", "/connections/brief", 200));
      if (i < 200) continue;
      taken.GET[name].push(get);
      taken.DELETE[name].push(remove);
    }
  }
  few.close();
  many.close();
  const medians = (of: Pair<number[]>) => ({ few: median(of.few), many: median(of.many) });
  return { GET: medians(taken.GET), DELETE: medians(taken.DELETE) };
}

function tellHolding(sizes: ScaleSizes, ours: Holder, others: readonly Holder[], report: Report): void {
  for (const [i, holder] of others.entries()) {
    const { name, bytesEach, rate } = holder;
    const target = (text: string, met: boolean) => (i === 0 ? { target: text, met } : {});
    report({
      figure: `memory a connection, of ${sizes.connections}`,
      value: kilobytes(ours.bytesEach),
      beside: `${name} ${kilobytes(bytesEach)}; ${times(ours.bytesEach / bytesEach)}`,
      ...target("2 × raw", ours.bytesEach <= 2 * bytesEach),
    });
    report({
      figure: `connects in a second, to ${sizes.connections}`,
      value: perSecond(ours.rate),
      beside: `${name} ${perSecond(rate)}; ${times(ours.rate / rate)}`,
    });
    report({
      figure: `processor at rest, ${sizes.idleSeconds} s (median, most of 10 s)`,
      value: atRest(ours),
      beside: `${name} ${atRest(holder)}`,
      ...target("2 % of a core", ours.idle.whole < 0.02),
    });
  }
}

function atRest({ idle }: Holder): string {
  return `${percent(idle.whole)} (${percent(median(idle.slices))}, ${percent(Math.max(...idle.slices))})`;
}
