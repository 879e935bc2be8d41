import { once } from "node:events";
import type { Duplex } from "node:stream";
import { generate, parser, type Packet, type PacketCmd } from "mqtt-packet";

/** The packet type that a command names. */
export type PacketOf<C extends PacketCmd> = Extract<Packet, { cmd: C }>;

/** Why `next()` rejects when there will be no further packet; a script may end with it. */
export class PeerClosed extends Error {
  override readonly name = "PeerClosed";
}

interface Waiting {
  readonly cmd: PacketCmd | undefined;
  readonly resolve: (packet: Packet) => void;
  readonly reject: (error: Error) => void;
}

/** The broker's side of one network connection, played by a test. */
export class ScriptedPeer {
  /** Which connection of its broker this is, from 1. */
  readonly number: number;
  /** Every packet parsed so far, also those that `answer()` handled. */
  readonly received: Packet[] = [];
  /** The network connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** When set, inbound bytes come here and nothing is parsed. */
  onBytes: ((bytes: Buffer) => void) | undefined;
  readonly #stream: Duplex;
  readonly #reset: () => void;
  readonly #options = { protocolVersion: 4 };
  readonly #answers = new Map<PacketCmd, (packet: Packet) => void>();
  #unread: Packet[] = [];
  #waiting: Waiting[] = [];
  #over: PeerClosed | undefined;

  constructor(number: number, stream: Duplex, reset: () => void) {
    this.number = number;
    this.#stream = stream;
    this.#reset = reset;
    const mqtt = parser(this.#options);
    mqtt.on("packet", (packet) => this.#receive(packet));
    // As real brokers do. The error's text goes to whoever waits for a packet.
    mqtt.on("error", (error: Error) => {
      this.#finish(new PeerClosed(`Peer ${number} sent a malformed packet: ${error.message}`));
      stream.destroy();
    });
    stream.on("data", (bytes: Buffer) => {
      if (this.onBytes) this.onBytes(bytes);
      else mqtt.parse(bytes);
    });
    // Resets are what many scripts are about; "close" follows.
    stream.on("error", () => {});
    this.closed = new Promise((resolve) => stream.once("close", () => resolve()));
    stream.once("close", () => this.#finish(new PeerClosed(`Peer ${number} has closed its connection`)));
    stream.once("end", () => this.#finish(new PeerClosed(`Peer ${number} has ended its connection`)));
  }

  /** In which version packets are written and read: that of the CONNECT, 4 before it. */
  get protocolVersion(): number {
    return this.#options.protocolVersion;
  }
  set protocolVersion(version: number) {
    this.#options.protocolVersion = version;
  }

  /** The oldest packet that nobody took yet, or the oldest of that kind, which leaves the others. */
  next(): Promise<Packet>;
  next<C extends PacketCmd>(cmd: C): Promise<PacketOf<C>>;
  next(cmd?: PacketCmd): Promise<Packet> {
    const at = this.#unread.findIndex((packet) => cmd === undefined || packet.cmd === cmd);
    const [packet] = at < 0 ? [] : this.#unread.splice(at, 1);
    if (packet) return Promise.resolve(packet);
    if (this.#over) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => this.#waiting.push({ cmd, resolve, reject }));
  }

  /** Handles every packet of this kind from now on, so that `next()` does not see it. */
  answer<C extends PacketCmd>(cmd: C, handle: (packet: PacketOf<C>) => void): void {
    this.#answers.set(cmd, (packet) => {
      if (isOf(packet, cmd)) handle(packet);
    });
  }

  send(packet: Packet): void {
    this.sendBytes(generate(packet, this.#options));
  }

  sendBytes(bytes: Buffer | string): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  /** Waits until the network takes more; false when it never will. */
  async flushed(): Promise<boolean> {
    if (!this.#stream.writableNeedDrain) return this.#stream.writable;
    const abort = new AbortController();
    const { signal } = abort;
    const drained = once(this.#stream, "drain", { signal }).catch(() => {});
    await Promise.race([drained, this.closed]);
    abort.abort();
    return this.#stream.writable;
  }

  /** Stops reading, as a broker that is stuck does. */
  pause(): void {
    this.#stream.pause();
  }
  resume(): void {
    this.#stream.resume();
  }

  /** Sends FIN; the other direction stays open until the client ends it. */
  end(): void {
    this.#stream.end();
  }

  /** Sends RST. Over TLS one of our runtimes sends FIN instead. */
  reset(): void {
    this.#reset();
  }

  #receive(packet: Packet): void {
    if (packet.cmd === "connect" && packet.protocolVersion) this.protocolVersion = packet.protocolVersion;
    this.received.push(packet);
    const answer = this.#answers.get(packet.cmd);
    if (answer) return answer(packet);
    const at = this.#waiting.findIndex(({ cmd }) => cmd === undefined || cmd === packet.cmd);
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (waiting) waiting.resolve(packet);
    else this.#unread.push(packet);
  }

  #finish(reason: PeerClosed): void {
    this.#over ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
  }
}

function isOf<C extends PacketCmd>(packet: Packet, cmd: C): packet is PacketOf<C> {
  return packet.cmd === cmd;
}
