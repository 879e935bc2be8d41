/**
 * Callers of one HTTP address, one request in flight on each keep-alive connection, in one process. Commands: prepare, run.
 */
import { answerCommands } from "./child.ts";
import { now, openWire, type Wire } from "./wire.ts";

let url = "";
let callers = 0;
let request: Buffer = Buffer.alloc(0);
let running = 0;
let over = true;
let answers = 0;
let wrong: string | null = null;
let finished: (() => void) | null = null;

function prepare(path: string, type: string, body: string, more: string): void {
  const fields = `${more}host: ${new URL(url).host}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n`;
  request = Buffer.from(`POST ${path} HTTP/1.1\r\n${fields}\r\n${body}`);
}

function prepareGet(path: string): void {
  request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\n\r\n`);
}

async function openCaller(): Promise<Wire> {
  let received = "";
  const wire: Wire = await openWire(url, (bytes) => {
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
  // Anew for each run: servers close connections that were idle for long.
  const wires = await Promise.all(Array.from({ length: callers }, openCaller));
  answers = 0;
  over = false;
  running = callers;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const startedAt = now();
  for (const wire of wires) wire.sendShort(request);
  setTimeout(() => {
    over = true;
  }, ms);
  await done;
  const endedAt = now();
  for (const wire of wires) wire.close();
  return { count: answers, startedAt, endedAt, wrong };
}

answerCommands(async ({ command, ms, ...call }) => {
  if (command === "run") return run(Number(ms));
  url = String(call["url"]);
  callers = Number(call["count"]);
  if (typeof call["body"] !== "string") {
    prepareGet(String(call["path"]));
    return {};
  }
  prepare(
    String(call["path"]),
    String(call["type"]),
    call["body"],
    typeof call["fields"] === "string" ? call["fields"] : "",
  );
  return {};
});
