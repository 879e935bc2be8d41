import type { IPublishPacket, Packet } from "mqtt";
import { packetFromText, packetToText } from "./stored-packet.ts";

type Id = Pick<Packet, "messageId">;
type Done = (error?: Error, packet?: Packet) => void;

/** Keeps the same where it outlives the process, as texts by packet identifier; PUBREC waits for that. */
export interface IncomingKeeper {
  put(packetId: number, text: string): void;
  clear(): void;
}

/** Bytes of topics and payloads that are kept at most. */
const mostBytes = 67_108_864;

/**
 * QoS 2 messages of one session that arrived and that the broker has not released (MQTT 5 §4.3.3). They outlive a
 * network connection. What mqtt.js asks of a store of these, and no more. Bounded by {@link hasRoom}, which is to be asked before a packet is taken.
 */
export class IncomingStore {
  readonly #mostBytes: number;
  readonly #keeper: IncomingKeeper | null;
  /** Null while there are none: there are many connections, and QoS 2 is rare. */
  #packets: Map<number, Packet> | null = null;
  #bytes = 0;

  constructor(bytes = mostBytes, keeper: IncomingKeeper | null = null) {
    this.#mostBytes = bytes;
    this.#keeper = keeper;
  }

  /** Whether a PUBLISH may be kept as well; one that comes again takes the place of the first. */
  hasRoom(packet: IPublishPacket): boolean {
    return this.#bytes - this.#sizeOf(packet) + sizeOf(packet) <= this.#mostBytes;
  }

  put(packet: Packet, done: Done): this {
    this.#set(packet);
    if (packet.cmd === "publish") this.#keeper?.put(packet.messageId ?? 0, packetToText(packet));
    done();
    return this;
  }

  /** Puts back what was kept. */
  restore(text: string): void {
    this.#set(packetFromText(text));
  }

  /** Takes a packet out that is released, and returns what puts it back should that not be kept. */
  release(packetId: number): () => void {
    const packet = this.#packets?.get(packetId);
    if (packet === undefined) return () => {};
    this.#bytes -= sizeOf(packet);
    this.#packets?.delete(packetId);
    return () => this.#set(packet);
  }

  #set(packet: Packet): void {
    this.#bytes += sizeOf(packet) - this.#sizeOf(packet);
    (this.#packets ??= new Map()).set(packet.messageId ?? 0, own(packet));
  }

  get({ messageId = 0 }: Id, done: Done): this {
    const packet = this.#packets?.get(messageId);
    if (packet === undefined) done(new Error("missing packet"));
    else done(undefined, packet);
    return this;
  }

  del(id: Id, done: Done): this {
    // Where it outlives the process it went with release(), or was put back since: then PUBREL has yet to do its work.
    if (this.#keeper !== null) {
      done();
      return this;
    }
    const packet = this.#packets?.get(id.messageId ?? 0);
    if (packet === undefined) {
      done(new Error("missing packet"));
      return this;
    }
    this.#bytes -= sizeOf(packet);
    this.#packets?.delete(id.messageId ?? 0);
    done(undefined, packet);
    return this;
  }

  /** The end of a client is not that of the session. */
  close(done: Done): void {
    done();
  }

  /** Forgets all, when the broker did not keep the session. */
  clear(): void {
    if (this.#packets !== null) this.#keeper?.clear();
    this.#packets = null;
    this.#bytes = 0;
  }

  #sizeOf({ messageId = 0 }: Id): number {
    const kept = this.#packets?.get(messageId);
    return kept === undefined ? 0 : sizeOf(kept);
  }
}

function sizeOf(packet: Packet): number {
  return packet.cmd === "publish" ? packet.topic.length + packet.payload.length : 0;
}

/** With bytes of its own: the parser's are a part of what one read of the socket brought. */
function own(packet: Packet): Packet {
  if (packet.cmd !== "publish" || typeof packet.payload === "string") return packet;
  return { ...packet, payload: Buffer.from(packet.payload) };
}
