/** What is wrong with the peer's bytes, with the reason code for our DISCONNECT (MQTT 5 §3.14.2.1). */
export interface Violation {
  readonly kind: "not-mqtt" | "protocol" | "too-large" | "authentication";
  readonly reasonCode: number;
  readonly detail: string;
}

const CONNACK = 2;
const PUBLISH = 3;
const PINGRESP = 13;
const AUTH = 15;
/** Packet types that a broker may send, with the flags that each must have (§2.1.3); PUBLISH has its own. */
const flagsByType: Readonly<Record<number, number>> = {
  2: 0,
  4: 0,
  5: 0,
  6: 2,
  7: 0,
  9: 0,
  11: 0,
  13: 0,
  14: 0,
  15: 0,
};
/** The least Remaining Length of those types for which it is not 0, over all versions. The parser takes shorter ones. */
const leastLengths: Readonly<Record<number, number>> = { 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 9: 3, 11: 2 };

/**
 * A packet may come in so many pieces as the largest has of this size, or some. The parser keeps each until the packet
 * is whole, at hundreds of bytes, so that one in pieces of a byte, which WebSocket and TLS make possible, would take
 * hundreds of times its length. On networks, pieces of a large packet have a kilobyte and more.
 */
const pieceBytes = 256;
const somePieces = 1_024;

/**
 * Follows the packets in the bytes from a broker, in front of the parser and without keeping any: their type, their
 * declared length, and that CONNACK comes first and once (§3.2, §4.13). It is how a packet that is too large is
 * noticed when its first bytes arrive, and not when all of it is in memory.
 */
export class Guard {
  readonly #maxPacketBytes: number;
  readonly #mostPieces: number;
  #skip = 0;
  #type = 0;
  #remaining = 0;
  #lengthBytes = -1;
  #connacks = 0;
  /** Of the packet that is not whole yet. */
  #pieces = 0;

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#mostPieces = Math.max(somePieces, Math.ceil(maxPacketBytes / pieceBytes));
  }

  /** Looks at the next bytes; after a violation the network connection is to be closed, and this not used again. */
  inspect(bytes: Uint8Array): Violation | null {
    for (let at = 0; at < bytes.length;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const violation = this.#header(bytes[at] ?? 0);
      if (violation !== null) return violation;
      at += 1;
    }
    this.#pieces += 1;
    if (this.#pieces <= this.#mostPieces || this.#skip === 0) return null;
    // "Implementation specific error" (MQTT 5 §3.14.2.1).
    return {
      kind: "protocol",
      reasonCode: 0x83,
      detail: `The broker sent a packet in more than ${this.#mostPieces} pieces`,
    };
  }

  #header(byte: number): Violation | null {
    if (this.#lengthBytes === -1) {
      this.#lengthBytes = 0;
      this.#pieces = 0;
      this.#remaining = 0;
      this.#type = byte >> 4;
      return this.#firstByte(byte);
    }
    this.#remaining += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes += 1;
    if (byte >= 0x80)
      return this.#lengthBytes < 4 ? null : this.#malformed("a Remaining Length of more than four bytes");
    const total = 1 + this.#lengthBytes + this.#remaining;
    if (total > this.#maxPacketBytes) {
      return {
        kind: "too-large",
        reasonCode: 0x95,
        detail: `The broker announced a packet of ${total} bytes; at most ${this.#maxPacketBytes} are taken`,
      };
    }
    if (this.#remaining < (leastLengths[this.#type] ?? 0))
      return this.#malformed("a packet that is too short");
    if (this.#type === PINGRESP && this.#remaining > 0) return this.#malformed("a PINGRESP with a body");
    this.#lengthBytes = -1;
    this.#skip = this.#remaining;
    return null;
  }

  #firstByte(byte: number): Violation | null {
    const known = this.#type === PUBLISH ? (byte & 0x06) !== 0x06 : flagsByType[this.#type] === (byte & 0x0f);
    if (!known) return this.#malformed("a packet of a type or with flags that a broker cannot send");
    if (this.#type === CONNACK) {
      this.#connacks += 1;
      return this.#connacks === 1 ? null : this.#protocol("a second CONNACK");
    }
    if (this.#connacks === 0 && this.#type !== AUTH) return this.#protocol("a packet before CONNACK");
    return null;
  }

  #malformed(what: string): Violation {
    if (this.#connacks > 0) return { kind: "protocol", reasonCode: 0x81, detail: `The broker sent ${what}` };
    return { kind: "not-mqtt", reasonCode: 0x81, detail: "The peer's answer is not MQTT" };
  }

  #protocol(what: string): Violation {
    return { kind: "protocol", reasonCode: 0x82, detail: `The broker sent ${what}` };
  }
}
