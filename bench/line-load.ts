/** A caller that publishes a message a line on one HTTP connection, as fast as they are taken. Command: run. */
import { answerCommands } from "./child.ts";
import { numberAt, payloadText, renumber } from "./payload.ts";
import { now, openWire } from "./wire.ts";

const linesInChunk = 256;
const success = Buffer.from(`"status":20`);
const refusal = Buffer.from(`"code":`);
const lastChunk = "\r\n0\r\n\r\n";

/** A chunk of lines whose numbers can be written over. */
function chunkOf(topic: string, qos: number): { readonly bytes: Buffer; readonly at: readonly number[] } {
  const line = `${JSON.stringify({ topic, payload: payloadText(0), qos })}\n`;
  const lines = line.repeat(linesInChunk);
  const bytes = Buffer.from(`${lines.length.toString(16)}\r\n${lines}\r\n`);
  const at: number[] = [];
  for (let i = 0; i < linesInChunk; i += 1) at.push(numberAt(bytes, at.at(-1) ?? 0));
  return { bytes, at };
}

let sequence = 0;

async function run(url: string, path: string, topic: string, qos: number, ms: number): Promise<object> {
  const { host } = new URL(url);
  const ended = Promise.withResolvers<void>();
  let reports = 0;
  /** The first bytes of the answer, and the first report that is none of success. */
  let head: string | null = null;
  let failure: string | null = null;
  let tail = "";
  let rest: Buffer | null = null;
  const count = (bytes: Buffer) => {
    const all = rest === null ? bytes : Buffer.concat([rest, bytes]);
    let from = 0;
    for (let at = all.indexOf(success); at !== -1; at = all.indexOf(success, from)) {
      reports += 1;
      from = at + success.length;
    }
    const failed = failure === null ? all.indexOf(refusal) : -1;
    if (failed !== -1) failure = all.toString("utf8", failed, failed + 300);
    rest = Buffer.from(all.subarray(Math.max(from, all.length - success.length + 1)));
    tail = (tail + bytes.toString("latin1", Math.max(0, bytes.length - lastChunk.length))).slice(
      -lastChunk.length,
    );
    if (tail === lastChunk) ended.resolve();
  };
  const wire = await openWire(
    url,
    (bytes) => {
      head ??= bytes.toString("latin1", 0, 500);
      count(bytes);
    },
    ended.resolve,
  );
  const fields = `host: ${host}\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n`;
  const { bytes, at } = chunkOf(topic, qos);
  const startedAt = now();
  await wire.send(Buffer.from(`POST ${path} HTTP/1.1\r\n${fields}\r\n`));
  let sent = 0;
  while (now() - startedAt < ms) {
    for (const place of at) renumber(bytes, place, sequence++);
    await wire.send(bytes);
    sent += linesInChunk;
  }
  await wire.send(Buffer.from("0\r\n\r\n"));
  await ended.promise;
  const endedAt = now();
  wire.close();
  const wrong =
    reports === sent ? null : `${reports} reports of success for ${sent} lines; ${failure ?? head}`;
  return { count: sent, startedAt, endedAt, wrong };
}

answerCommands(({ url, path, topic, qos, ms }) =>
  run(String(url), String(path), String(topic), Number(qos), Number(ms)),
);
