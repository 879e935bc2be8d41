import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { startBroker } from "./broker.ts";
import { program, startChild } from "./child.ts";
import type { DurableSizes } from "./durable.ts";
import { openConnections } from "./http-connection.ts";
import { processorSeconds, settledBytes } from "./process-figures.ts";
import { kilobytes, ms, times, type Report } from "./report.ts";
import { startConnack } from "./servers.ts";
import { median, timeAll } from "./statistics.ts";

/** Dials at once, for everyone. */
const dials = 100;
/** Memory is what those beyond so many take. */
const few = 1_000;
/** Between two looks at how many are connected. */
const lookMs = 25;

interface Restarted {
  /** Milliseconds from the start of the process. */
  readonly listening: number;
  readonly connected: number;
  readonly processorMs: number;
  readonly bytes: number;
}

/** Someone who is restarted, round by round. */
interface Contestant {
  readonly name: string;
  readonly rounds: Restarted[];
  /** As it is with few connections; only its memory is looked at. */
  readonly few: () => Promise<Restarted>;
  /** With all of them; 0 milliseconds of rest where memory is not looked at. */
  readonly many: (settleMs: number) => Promise<Restarted>;
}

/** How soon stored connections are back after a restart, beside mqtt.js that makes as many; and what they take then. */
export async function measureRestart(sizes: DurableSizes, report: Report): Promise<void> {
  const { connections, rounds, settleMs, against } = sizes;
  await using broker = await startBroker();
  using directory = temporaryDirectory();
  const { url } = broker;
  const file = (name: string, count: number) => `${directory.path}/${name.replaceAll(" ", "-")}-${count}.db`;
  const contestant = async (name: string, checkout?: string): Promise<Contestant> => {
    for (const count of [few, connections]) await fill(file(name, count), count, url, checkout);
    const start = (count: number, rest: number) => restart(file(name, count), count, checkout, rest);
    return { name, rounds: [], few: () => start(few, settleMs), many: (rest) => start(connections, rest) };
  };
  const raw: Contestant = {
    name: "raw mqtt.js",
    rounds: [],
    few: () => ofRaw(url, few, settleMs),
    many: (rest) => ofRaw(url, connections, rest),
  };
  const ours = await contestant("connack");
  const others = against === undefined ? [] : [await contestant("other checkout", against)];
  const all = [raw, ours, ...others];
  for (let round = 0; round < rounds; round += 1)
    for (const { many, rounds: taken } of all) taken.push(await many(round === 0 ? settleMs : 0));
  tellTimes(connections, ours, raw, others, report);
  await restart(file("connack", connections), connections, undefined, 0, true);
  const { connected } = await ours.many(0);
  report({ figure: "  the same after a kill", value: ms(connected) });
  const bytes = new Map<Contestant, number>();
  for (const each of all) {
    const least = (await each.few()).bytes;
    bytes.set(each, ((each.rounds[0]?.bytes ?? Number.NaN) - least) / (connections - few));
  }
  const rawBytes = bytes.get(raw) ?? Number.NaN;
  for (const each of [ours, ...others]) {
    const own = bytes.get(each) ?? Number.NaN;
    report({
      figure: `memory a connection after it, the ${few + 1}st to the ${connections}th, ${each.name}`,
      value: kilobytes(own),
      beside: `raw mqtt.js ${kilobytes(rawBytes)}; ${times(own / rawBytes)}`,
      target: "2 × raw",
      met: own <= 2 * rawBytes,
    });
  }
}

function tellTimes(
  connections: number,
  ours: Contestant,
  raw: Contestant,
  others: readonly Contestant[],
  report: Report,
): void {
  const of = ({ rounds }: Contestant, what: keyof Restarted) => median(rounds.map((round) => round[what]));
  const ratio = (one: Contestant) =>
    median(one.rounds.map(({ connected }, i) => connected / (raw.rounds[i]?.connected ?? Number.NaN)));
  report({
    figure: `restart with ${connections}, from start to all connected`,
    value: ms(of(ours, "connected")),
    beside: `raw mqtt.js ${ms(of(raw, "connected"))}; ${times(ratio(ours))}`,
    target: "1.50 ×",
    met: ratio(ours) <= 1.5,
  });
  for (const other of others)
    report({
      figure: `  the same, ${other.name}`,
      value: ms(of(other, "connected")),
      beside: times(ratio(other)),
    });
  report({ figure: "  to where it answers calls", value: ms(of(ours, "listening")) });
  for (const one of [ours, raw, ...others])
    report({ figure: `  processor time: ${one.name}`, value: "", beside: ms(of(one, "processorMs")) });
}

/** Has so many connections stored. */
async function fill(file: string, count: number, url: string, checkout?: string): Promise<void> {
  await using server = await startConnack(checkout, { store: { file } });
  const callers = await openConnections(server.url, 50);
  await timeAll(count, 50, (i, worker) =>
    callers[worker]!.call("PUT", `/connections/bench-${i}`, 201, { url, durable: true }),
  );
  for (const http of callers) http.close();
}

async function restart(
  file: string,
  count: number,
  checkout: string | undefined,
  settleMs: number,
  killed = false,
): Promise<Restarted> {
  const started = performance.now();
  const settings = { CONNACK_DIALS_AT_START: String(dials) };
  await using server = await startConnack(checkout, { store: { file }, settings });
  const listening = performance.now() - started;
  const connected = async () => {
    const answer = await fetch(new URL("/readyz", server.url));
    const { connections } = (await answer.json()) as { connections: { connected: number } };
    return connections.connected;
  };
  while ((await connected()) < count) await sleep(lookMs);
  const taken = performance.now() - started;
  const processorMs = processorSeconds(server.pid) * 1_000;
  const bytes = settleMs === 0 ? 0 : await settledBytes(server.pid, settleMs);
  if (killed) process.kill(server.pid, "SIGKILL");
  return { listening, connected: taken, processorMs, bytes };
}

async function ofRaw(url: string, count: number, settleMs: number): Promise<Restarted> {
  await using raw = startChild(program("raw-mqtt.ts"));
  const { ms: connected } = await raw.ask<{ ms: number }>({
    command: "hold",
    url,
    count,
    concurrency: dials,
  });
  const processorMs = processorSeconds(raw.pid) * 1_000;
  const bytes = settleMs === 0 ? 0 : await settledBytes(raw.pid, settleMs);
  await raw.ask({ command: "release" });
  return { listening: 0, connected, processorMs, bytes };
}
