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

/** How soon stored connections are back after a restart, beside mqtt.js that makes as many; and what they take then. */
export async function measureRestart(sizes: DurableSizes, report: Report): Promise<void> {
  const { connections, rounds, settleMs, against } = sizes;
  await using broker = await startBroker();
  using directory = temporaryDirectory();
  const file = (count: number, name: string) => `${directory.path}/${name}-${count}.db`;
  const checkouts = { connack: undefined, ...(against === undefined ? {} : { "other checkout": against }) };
  for (const [name, checkout] of Object.entries(checkouts))
    for (const count of [few, connections]) await fill(file(count, name), count, broker.url, checkout);
  const all = { connack: [], "other checkout": [], killed: [] } as Record<string, Restarted[]>;
  const least: Record<string, number> = {};
  const raw: Restarted[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const rests = round === 0 ? settleMs : 0;
    raw.push(await ofRaw(broker.url, connections, rests));
    for (const [name, checkout] of Object.entries(checkouts))
      all[name]?.push(await restart(file(connections, name), connections, checkout, rests));
  }
  all["killed"]?.push(await restart(file(connections, "connack"), connections, undefined, 0, true));
  all["killed"]?.push(await restart(file(connections, "connack"), connections, undefined, 0));
  const rawLeast = (await ofRaw(broker.url, few, settleMs)).bytes;
  for (const [name, checkout] of Object.entries(checkouts))
    least[name] = (await restart(file(few, name), few, checkout, settleMs)).bytes;
  const ours = all["connack"] ?? [];
  const rawMs = median(raw.map(({ connected }) => connected));
  const ratio = median(ours.map(({ connected }, i) => connected / (raw[i]?.connected ?? Number.NaN)));
  const show = (some: readonly Restarted[]) =>
    `${ms(median(some.map(({ connected }) => connected)))}, processor ${ms(median(some.map((one) => one.processorMs)))}`;
  report({
    figure: `restart with ${connections}, from start to all connected`,
    value: ms(median(ours.map(({ connected }) => connected))),
    beside: `raw mqtt.js ${ms(rawMs)}; ${times(ratio)}`,
    target: "1.50 ×",
    met: ratio <= 1.5,
  });
  report({
    figure: "  to where it answers calls",
    value: ms(median(ours.map(({ listening }) => listening))),
  });
  report({ figure: "  connack; raw mqtt.js", value: "", beside: `${show(ours)}; ${show(raw)}` });
  if (against !== undefined)
    report({ figure: "  the same, other checkout", value: "", beside: show(all["other checkout"] ?? []) });
  report({ figure: "  the same after a kill", value: ms(all["killed"]?.[1]?.connected ?? Number.NaN) });
  const each = (bytes: number, ofFew: number) => (bytes - ofFew) / (connections - few);
  const rawEach = each(raw[0]?.bytes ?? Number.NaN, rawLeast);
  for (const name of Object.keys(checkouts)) {
    const ourEach = each(all[name]?.[0]?.bytes ?? Number.NaN, least[name] ?? Number.NaN);
    report({
      figure: `memory a connection after it, the ${few + 1}st to the ${connections}th${name === "connack" ? "" : `, ${name}`}`,
      value: kilobytes(ourEach),
      beside: `raw mqtt.js ${kilobytes(rawEach)}; ${times(ourEach / rawEach)}`,
      target: "2 × raw",
      met: ourEach <= 2 * rawEach,
    });
  }
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
