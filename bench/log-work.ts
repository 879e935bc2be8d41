/**
 * A message log of a store, worked on as a connection does: its messages, the log in memory, the store's file. Commands:
 * open, append, resume, trim, load, close.
 */
import { setImmediate as turn } from "node:timers/promises";
import { answerCommands } from "./child.ts";
import { payloadText } from "./payload.ts";
import { KeptInbound } from "../src/connection/kept-inbound.ts";
import { Messages } from "../src/connection/messages.ts";
import type { ReceivedMessage } from "../src/mqtt/message.ts";
import type { TopicName } from "../src/mqtt/topic.ts";
import { openStore } from "../src/store/open.ts";
import type { Lease, Store } from "../src/store/store.ts";

const name = "messages/bench/log";
const pageEntries = 1_000;
/** Messages of one turn of the event loop, as they come from a socket. */
const inTurn = 100;

let store: Store | null = null;
let lease: Lease = { token: "" };
let messages: Messages | null = null;
let inbound: KeptInbound | null = null;

function opened(): { store: Store; messages: Messages; inbound: KeptInbound } {
  if (store === null || messages === null || inbound === null) throw new Error("Not open");
  return { store, messages, inbound };
}

const message = (sequence: number): ReceivedMessage => ({
  topic: "bench/log" as TopicName,
  payload: Buffer.from(payloadText(sequence).slice(0, 32)),
  qos: 1,
  retain: false,
  dup: false,
  properties: {},
});

/** Opens the file and loads the log, as at a start; milliseconds of each. */
async function open(file: string, most: number): Promise<object> {
  const startedAt = performance.now();
  store = await openStore({ kind: "sqlite", file }, 10_737_418_240);
  lease = await store.acquire();
  const openedAt = performance.now();
  inbound = new KeptInbound(store, lease);
  const bounds = { maxEntries: most, maxBytes: 1_073_741_824 };
  messages = new Messages("bench", bounds, Date.now, { name, inbound, incoming: "incoming/bench" });
  const [found] = await store.logs(name);
  const through = found?.trimmedThrough ?? 0;
  messages.log.restore(through);
  for (let after = through; ;) {
    const entries = await store.entries(name, after, pageEntries);
    messages.fill(entries);
    const last = entries.at(-1);
    if (last === undefined) break;
    after = last.position;
  }
  const endedAt = performance.now();
  return { openMs: openedAt - startedAt, loadMs: endedAt - openedAt, size: messages.log.size };
}

/** Appends, with so many not kept yet at most; milliseconds until all are. */
async function append(count: number, ahead: number): Promise<number> {
  const { messages: log, inbound: kept } = opened();
  const startedAt = performance.now();
  for (let i = 0; i < count; i += inTurn) {
    for (let j = 0; j < inTurn; j += 1) log.append(message(i + j));
    while (kept.arrived - kept.settled > ahead) await turn();
    await turn();
  }
  while (kept.settled < kept.arrived) await turn();
  return performance.now() - startedAt;
}

/** Microseconds of a look-up of one id at random, with the 100 after it. */
function resume(count: number): number {
  const { log } = opened().messages;
  const ids = (log.readAfter(log.beginning, log.size) ?? []).map(({ sequence }) => log.idOf(sequence));
  const chosen = Array.from({ length: count }, () => ids[Math.floor(Math.random() * ids.length)] ?? "");
  const startedAt = performance.now();
  for (const id of chosen) {
    const resumption = log.resume(id);
    if (!resumption.ok || log.readAfter(resumption.after, 100) === null) throw new Error(`${id} is gone`);
  }
  return ((performance.now() - startedAt) / count) * 1_000;
}

/** Microseconds of a read of 100 entries after a random one in the store. */
async function read(count: number): Promise<number> {
  const { store: from, messages: of } = opened();
  const { log } = of;
  const span = log.tail - log.beginning;
  const startedAt = performance.now();
  for (let i = 0; i < count; i += 1)
    await from.entries(name, log.beginning + Math.floor(Math.random() * span), 100);
  return ((performance.now() - startedAt) / count) * 1_000;
}

/** Milliseconds of a commit that trims the oldest so many from the store, in several of `each`; the median. */
async function trim(times: number, each: number): Promise<number> {
  const { store: from, messages: of } = opened();
  const { log } = of;
  const taken: number[] = [];
  for (let i = 1; i <= times; i += 1) {
    const through = log.readAfter(log.beginning, i * each)?.at(-1)?.sequence ?? 0;
    const startedAt = performance.now();
    await from.commit(lease, [{ type: "trim", log: name, through }]);
    taken.push(performance.now() - startedAt);
  }
  return taken.toSorted((a, b) => a - b)[Math.floor(taken.length / 2)] ?? Number.NaN;
}

answerCommands(async ({ command, ...given }) => {
  const count = Number(given["count"]);
  switch (command) {
    case "open":
      return open(String(given["file"]), Number(given["most"]));
    case "append":
      return { ms: await append(count, Number(given["ahead"])) };
    case "resume":
      return { us: resume(count) };
    case "read":
      return { us: await read(count) };
    case "trim":
      return { ms: await trim(count, Number(given["each"])) };
    default:
      await store?.[Symbol.asyncDispose]();
      return {};
  }
});
