/**
 * Readers that only count, any number in one process: `mqtt` and `ws` subscribe at QoS 0 to a broker, `sse` reads a
 * stream. Commands: open, close, reached, counts.
 */
import { generate, type Packet } from "mqtt-packet";
import { answerCommands } from "./child.ts";
import { PayloadCounter } from "./payload.ts";
import { Progress } from "./progress.ts";
import { openWire, type Wire } from "./wire.ts";

type Kind = "mqtt" | "ws" | "sse";

const readers: { readonly counter: PayloadCounter; readonly wire: Wire }[] = [];
const progress = new Progress();

async function open(kind: Kind, url: string, target: string): Promise<void> {
  const counter = new PayloadCounter();
  let opened: (() => void) | null = null;
  const wire = await openWire(url, (bytes) => {
    const before = counter.count;
    counter.scan(bytes);
    if (counter.count > before) progress.add(counter.count - before);
    opened?.();
    opened = null;
  });
  const answer = () =>
    new Promise<void>((resolve) => {
      opened = resolve;
    });
  const say = async (bytes: Buffer) => {
    const answered = answer();
    await wire.send(bytes);
    await answered;
  };
  const { host } = new URL(url);
  if (kind === "sse")
    await say(Buffer.from(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`));
  else await subscribe(kind, host, target, say);
  readers.push({ counter, wire });
}

async function subscribe(
  kind: "mqtt" | "ws",
  host: string,
  topic: string,
  say: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const frame = kind === "ws" ? webSocketFrame : (bytes: Buffer) => bytes;
  const packet = (fields: object) => frame(generate(fields as Packet, { protocolVersion: 5 }));
  if (kind === "ws") {
    const upgrade = `GET /mqtt HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n`;
    const rest = `sec-websocket-version: 13\r\nsec-websocket-key: ${btoa("0123456789abcdef")}\r\nsec-websocket-protocol: mqtt\r\n\r\n`;
    await say(Buffer.from(upgrade + rest));
  }
  const clientId = `light-${crypto.randomUUID()}`;
  await say(packet({ cmd: "connect", protocolVersion: 5, clientId, clean: true, keepalive: 0 }));
  await say(packet({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] }));
}

/** A short binary frame; a client's are masked, here with zeros (RFC 6455 §5.3). */
function webSocketFrame(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x82, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

answerCommands(async ({ command, kind, url, target, count }) => {
  if (command === "reached") return progress.reached(Number(count));
  if (command === "counts") {
    const breaks = readers.reduce((sum, { counter }) => sum + counter.breaks, 0);
    const [first] = readers;
    return {
      total: progress.count,
      breaks,
      equal: readers.every(({ counter }) => counter.count === first?.counter.count),
    };
  }
  if (command === "close") {
    for (const { wire } of readers.splice(0)) wire.close();
    return {};
  }
  for (let i = 0; i < Number(count); i += 50) {
    const some = Math.min(50, Number(count) - i);
    await Promise.all(Array.from({ length: some }, () => open(kind as Kind, String(url), String(target))));
  }
  return {};
});
