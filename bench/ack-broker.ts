/**
 * A broker that only sends: every connection gets numbered QoS 1 messages, so many unacknowledged at once, and their
 * acknowledgements are counted. It takes so little that whoever acknowledges is what is measured. Commands: listen, run.
 */
import { answerCommands } from "./child.ts";
import { generate } from "mqtt-packet";
import { numberAt, payloadText, renumber } from "./payload.ts";
import { now } from "./wire.ts";

const version = { protocolVersion: 5 };
const template = generate(
  {
    cmd: "publish",
    topic: "bench/ack",
    payload: payloadText(0),
    qos: 1,
    messageId: 1,
    retain: false,
    dup: false,
  },
  version,
);
const numberOffset = numberAt(template);
// Behind the fixed header (2 bytes of length from 128 bytes on), the topic's length and the topic.
const idOffset = 3 + 2 + "bench/ack".length;
const highestId = 65_535;

interface Peer {
  readonly write: (bytes: Buffer) => void;
  rest: Buffer | null;
  nextId: number;
  nextAck: number;
  inFlight: number;
}

const peers = new Set<Peer>();
let window = 0;
let running = false;
let acknowledged = 0;
let sequence = 0;
let wrong: string | null = null;
let finished: (() => void) | null = null;

const after = (id: number) => (id === highestId ? 1 : id + 1);

function send(peer: Peer, count: number): void {
  const bytes = Buffer.allocUnsafe(template.length * count);
  for (let i = 0; i < count; i += 1) {
    const at = i * template.length;
    template.copy(bytes, at);
    bytes.writeUInt16BE(peer.nextId, at + idOffset);
    renumber(bytes, at + numberOffset, sequence++);
    peer.nextId = after(peer.nextId);
  }
  peer.inFlight += count;
  peer.write(bytes);
}

/** One packet whose remaining length takes one byte, as all but CONNECT and SUBSCRIBE do; those come alone. */
function take(peer: Peer, type: number, body: Buffer): number {
  if (type === 0x40) {
    const id = body.readUInt16BE(0);
    if (id !== peer.nextAck) wrong ??= `PUBACK ${id} came where ${peer.nextAck} was due`;
    peer.nextAck = after(peer.nextAck);
    return 1;
  }
  if (type === 0x10) peer.write(Buffer.from([0x20, 3, 0, 0, 0]));
  else if (type === 0x80) peer.write(Buffer.from([0x90, 4, body[0] ?? 0, body[1] ?? 0, 0, 1]));
  else if (type === 0xc0) peer.write(Buffer.from([0xd0, 0]));
  return 0;
}

function receive(peer: Peer, chunk: Buffer): void {
  const bytes = peer.rest === null ? chunk : Buffer.concat([peer.rest, chunk]);
  let at = 0;
  let acks = 0;
  while (at + 2 <= bytes.length) {
    let head = 2;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    if (((bytes[at + 1] ?? 0) & 0x80) !== 0) {
      length += ((bytes[at + 2] ?? 0) & 0x7f) * 128;
      head = 3;
    }
    if (at + head + length > bytes.length) break;
    acks += take(peer, (bytes[at] ?? 0) & 0xf0, bytes.subarray(at + head, at + head + length));
    at += head + length;
  }
  peer.rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null;
  if (acks === 0) return;
  acknowledged += acks;
  peer.inFlight -= acks;
  if (running) send(peer, acks);
  else if (![...peers].some(({ inFlight }) => inFlight > 0)) finished?.();
}

function listen(): object {
  const opened = new Map<unknown, Peer>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        const write = (bytes: Buffer) => {
          // So much is never under way that there is no room.
          if (socket.write(bytes) !== bytes.length) throw new Error("There was no room for a short write");
        };
        const peer: Peer = { write, rest: null, nextId: 1, nextAck: 1, inFlight: 0 };
        opened.set(socket, peer);
        peers.add(peer);
      },
      data(socket, bytes) {
        const peer = opened.get(socket);
        if (peer !== undefined) receive(peer, bytes);
      },
      close(socket) {
        const peer = opened.get(socket);
        if (peer !== undefined && peers.delete(peer) && running) wrong ??= "A connection was closed";
        opened.delete(socket);
      },
    },
  });
  return { url: `mqtt://127.0.0.1:${server.port}` };
}

async function run(ms: number): Promise<object> {
  acknowledged = 0;
  running = true;
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const startedAt = now();
  for (const peer of peers) send(peer, window);
  setTimeout(() => {
    running = false;
  }, ms);
  await done;
  return { count: acknowledged, startedAt, endedAt: now(), wrong };
}

answerCommands(async ({ command, ms, ...options }) => {
  if (command === "run") return run(Number(ms));
  window = Number(options["window"]);
  return listen();
});
