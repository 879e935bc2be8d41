/**
 * Callers of one HTTP address, one request in flight on each keep-alive connection, in one process. Commands: open, run.
 */
import { answerCommands } from "./child.ts";
import { now, openWire, type Wire } from "./wire.ts";

let wires: Wire[] = [];
let request: Buffer = Buffer.alloc(0);
let running = 0;
let over = true;
let answers = 0;
let wrong: string | null = null;
let finished: (() => void) | null = null;

async function open(url: string, path: string, type: string, body: string, count: number): Promise<void> {
  const { host } = new URL(url);
  const fields = `host: ${host}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n`;
  request = Buffer.from(`POST ${path} HTTP/1.1\r\n${fields}\r\n${body}`);
  wires = await Promise.all(Array.from({ length: count }, () => openCaller(url)));
}

async function openCaller(url: string): Promise<Wire> {
  let received = "";
  const wire = await openWire(url, (bytes) => {
    received = received === "" ? bytes.toString("latin1") : received + bytes.toString("latin1");
    if (!isWhole(received)) return;
    // "HTTP/1.1 2xx": nothing else counts.
    if (received.charCodeAt(9) !== 0x32) wrong ??= received;
    received = "";
    answers += 1;
    if (!over) wire.sendShort(request);
    else if ((running -= 1) === 0) finished?.();
  });
  return wire;
}

/** All have a Content-Length, and none is pipelined. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
  if (text.length > end + 4 + length) throw new Error(`More than one answer: ${text}`);
  return text.length === end + 4 + length;
}

async function run(ms: number): Promise<object> {
  answers = 0;
  over = false;
  running = wires.length;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const startedAt = now();
  for (const wire of wires) wire.sendShort(request);
  setTimeout(() => {
    over = true;
  }, ms);
  await done;
  return { count: answers, startedAt, endedAt: now(), wrong };
}

answerCommands(async ({ command, url, path, type, body, count, ms }) => {
  if (command === "run") return run(Number(ms));
  await open(String(url), String(path), String(type), String(body), Number(count));
  return {};
});
