import type { IPublishPacket, Packet } from "mqtt";

type Id = Pick<Packet, "messageId">;
type Done = (error?: Error, packet?: Packet) => void;

/** Bytes of topics and payloads that are kept at most. */
const mostBytes = 67_108_864;

/**
 * QoS 2 messages of one session that arrived and that the broker has not released (MQTT 5 §4.3.3). They outlive a
 * network connection. What mqtt.js asks of a store of these, and no more. Bounded by {@link hasRoom}, which is to be asked before a packet is taken.
 */
export class IncomingStore {
  readonly #mostBytes: number;
  /** Null while there are none: there are many connections, and QoS 2 is rare. */
  #packets: Map<number, Packet> | null = null;
  #bytes = 0;

  constructor(bytes = mostBytes) {
    this.#mostBytes = bytes;
  }

  /** Whether a PUBLISH may be kept as well; one that comes again takes the place of the first. */
  hasRoom(packet: IPublishPacket): boolean {
    return this.#bytes - this.#sizeOf(packet) + sizeOf(packet) <= this.#mostBytes;
  }

  put(packet: Packet, done: Done): this {
    this.#bytes += sizeOf(packet) - this.#sizeOf(packet);
    (this.#packets ??= new Map()).set(packet.messageId ?? 0, own(packet));
    done();
    return this;
  }

  get({ messageId = 0 }: Id, done: Done): this {
    const packet = this.#packets?.get(messageId);
    if (packet === undefined) done(new Error("missing packet"));
    else done(undefined, packet);
    return this;
  }

  del(id: Id, done: Done): this {
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
