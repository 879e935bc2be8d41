import type { MqttClient, Packet } from "mqtt";
import type { KeptMessages } from "./session-state.ts";

/** A private member of mqtt.js, pinned by the contract test: how it sends a packet of its own. */
interface Sends {
  _sendPacket(packet: Packet, done?: () => void, ...rest: unknown[]): void;
}

interface Held {
  readonly number: number;
  readonly bytes: Buffer;
}

/** First bytes of the fixed headers (MQTT 5 §2.1.2). */
const headers = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;

type AckPacket = keyof typeof headers;

function isAckPacket(cmd: string): cmd is AckPacket {
  return cmd in headers;
}

/**
 * Holds PUBACK, PUBREC and PUBCOMP back until what they acknowledge is kept, and lets them go in the order in which they
 * were due (MQTT-4.6.0-2 to 4). Everything else goes on meanwhile: mqtt.js is told that they are sent, because it reads
 * no further packet before that, not even the answer to a ping.
 */
class AckGate {
  readonly #messages: KeptMessages;
  readonly #write: (bytes: Buffer) => void;
  /** What had come before this network connection. */
  readonly #before: number;
  #held: Held[] = [];
  #failed = false;

  constructor(messages: KeptMessages, write: (bytes: Buffer) => void) {
    this.#messages = messages;
    this.#write = write;
    this.#before = messages.arrived;
    messages.onSettled = (kept) => this.#release(kept);
  }

  /** Success is the only code that is sent so: without it the packet has two bytes behind its header in every version. */
  send(cmd: AckPacket, packetId: number): void {
    const bytes = Buffer.from([headers[cmd], 2, packetId >> 8, packetId & 0xff]);
    const number = this.#messages.arrived;
    if (this.#failed) return;
    if (number <= this.#messages.settled && this.#held.length === 0) this.#write(bytes);
    else this.#held.push({ number, bytes });
  }

  #release(kept: boolean): void {
    const { settled, arrived } = this.#messages;
    // What fails may have come after what is not settled yet, and the count does not tell which it was: from here on
    // nothing is acknowledged on this network connection, which is to be dropped.
    if (!kept && arrived > this.#before) {
      this.#failed = true;
      this.#held = [];
      return;
    }
    const end = this.#held.findIndex(({ number }) => number > settled);
    const due = end === -1 ? this.#held : this.#held.slice(0, end);
    this.#held = end === -1 ? [] : this.#held.slice(end);
    if (kept && due.length > 0) this.#write(Buffer.concat(due.map(({ bytes }) => bytes)));
  }
}

/** Has the acknowledgements of a client of mqtt.js wait for `kept`; `write` puts bytes on its network connection. */
export function holdAcknowledgements(
  client: MqttClient,
  kept: KeptMessages,
  write: (bytes: Buffer) => void,
): void {
  const gate = new AckGate(kept, write);
  const sends = client as unknown as Sends;
  const send = sends._sendPacket.bind(client);
  sends._sendPacket = (packet, done, ...rest) => {
    if (!isAckPacket(packet.cmd)) return send(packet, done, ...rest);
    gate.send(packet.cmd, packet.messageId ?? 0);
    return done?.();
  };
}
