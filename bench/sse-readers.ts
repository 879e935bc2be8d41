/** Many readers of one stream in one process. Commands: open, next (waits until all have an event), counts. */
import { once } from "node:events";
import { connect } from "node:net";
import { answerCommands } from "./child.ts";

interface Reader {
  /** Ids of the events that came, without snapshots. */
  readonly ids: string[];
}

/** When an event of the awaited type came to the first reader, and to the last so far; epoch milliseconds. */
interface Arrival {
  readonly at: number;
  readonly first: number;
  last: number;
  readers: number;
}

const readers: Reader[] = [];
const arrivals = new Map<string, Arrival>();
const complete: Arrival[] = [];
let wake: (() => void) | null = null;

const now = () => performance.timeOrigin + performance.now();

async function open(url: string, path: string): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const reader: Reader = { ids: [] };
  const socket = connect({ host: hostname, port: Number(port) });
  socket.setEncoding("latin1");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`);
  let rest = "";
  const begun = Promise.withResolvers<void>();
  socket.on("data", (text: string) => {
    const frames = (rest + text).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) received(reader, frame);
    begun.resolve();
  });
  await begun.promise;
  readers.push(reader);
}

function received(reader: Reader, frame: string): void {
  const id = /^id: (.+)$/m.exec(frame)?.[1];
  const type = /^event: (.+)$/m.exec(frame)?.[1];
  if (id === undefined || type === "snapshot") return;
  reader.ids.push(id);
  if (type !== "connected") return;
  const time = now();
  const known = arrivals.get(id);
  const at = Date.parse(/"at":"([^"]+)"/.exec(frame)?.[1] ?? "");
  const arrival = known ?? { at, first: time, last: time, readers: 0 };
  arrival.last = time;
  arrival.readers += 1;
  arrivals.set(id, arrival);
  if (arrival.readers < readers.length) return;
  complete.push(arrival);
  wake?.();
}

/** The next event of type `connected` that has come to all. */
async function next(): Promise<Arrival> {
  const done = complete.shift();
  if (done !== undefined) return done;
  await new Promise<void>((resolve) => {
    wake = resolve;
  });
  return next();
}

answerCommands(async ({ command, url, path, count }) => {
  if (command === "next") return next();
  if (command === "counts") {
    const [first] = readers;
    const same = readers.filter(({ ids }) => ids.join() === first?.ids.join()).length;
    return { events: first?.ids.length ?? 0, same };
  }
  for (let i = 0; i < Number(count); i += 50) {
    const some = Math.min(50, Number(count) - i);
    await Promise.all(Array.from({ length: some }, () => open(String(url), String(path))));
  }
  return {};
});
