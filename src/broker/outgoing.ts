import { unlimited, type Budget } from "../budget.ts";
import { PacketIds } from "./packet-ids.ts";
import { duplicateOf, setPacketId, type EncodedPublish } from "./publish-packet.ts";
import type { PublishAck } from "./session-state.ts";

/** Where packets go: the client of the present attempt. */
export interface Wire {
  /** A PUBLISH that is encoded whole. */
  sendPublish(bytes: Buffer): void;
  sendPubrel(packetId: number, reasonCode: number): void;
}

/** What became of a message: the acknowledgement that ended it, or `lost` with the session that knew of it. */
export type Delivery = PublishAck | "lost";

interface InFlight {
  readonly publish: EncodedPublish;
  readonly qos: 1 | 2;
  /** When it was asked for, by the monotonic clock. */
  readonly since: number;
  /** PUBREC, once it has come: from then on PUBREL is what is sent (§4.3.3). */
  received: PublishAck | null;
  /** Sent on the present network connection, and counted against its quota. */
  sent: boolean;
  /** PUBREL has been sent on more than one network connection. */
  released: boolean;
  /** Network connections on which it has been sent. */
  tries: number;
  answer: (delivery: Delivery) => void;
}

/** On one network connection. */
interface Link {
  readonly wire: Wire;
  /** How many may be unacknowledged: Receive Maximum, or less (§4.9). */
  readonly quota: number;
  unacknowledged: number;
  /** PUBREC packets that needed no answer of their own, and got one. */
  strays: number;
  /** In the order in which they were first sent (§4.6); what the quota does not let out yet. */
  readonly resend: number[];
}

const nobody = () => {};

/**
 * A message that has been sent on so many network connections, and was acknowledged on none, is given up: it may be what
 * ends them. Whoever waited for it has had an answer long before.
 */
const mostTries = 10;

/** As many as there are packet identifiers: a broker that sends more, and may read no PUBREL, would fill our memory. */
const mostStrays = 65_535;

/**
 * Our QoS 1 and 2 messages of one session that the broker has not acknowledged whole (MQTT 5 §4.3, §4.4). Packet
 * identifiers, order and state outlive a network connection; after one that kept the session all are sent again, a
 * PUBLISH with DUP. mqtt.js's own keeping of these sets no DUP, sends one at a time, and loses callbacks.
 */
export class Outgoing {
  readonly ids = new PacketIds((id) => this.#inFlight.has(id));
  readonly #inFlight = new Map<number, InFlight>();
  readonly #onRoom: () => void;
  readonly #budget: Budget;
  #link: Link | null = null;
  #bytes = 0;

  /** `onRoom` is called when an acknowledgement has made room; in `budget` each message counts while it is in flight. */
  constructor(onRoom: () => void, budget: Budget = unlimited()) {
    this.#onRoom = onRoom;
    this.#budget = budget;
  }

  /** Messages in flight. */
  get size(): number {
    return this.#inFlight.size;
  }

  /** Bytes of their packets. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since when the one that was sent first is there, by the monotonic clock; null when there is none. */
  get oldestSince(): number | null {
    for (const { since } of this.#inFlight.values()) return since;
    return null;
  }

  /** How many more may be sent now; those that are to be sent again come first. */
  get room(): number {
    if (this.#link === null) return 0;
    return this.#link.quota - this.#link.unacknowledged - this.#link.resend.length;
  }

  /** Sends a message of QoS 1 or 2, asked for at `since`; there must be room. */
  send(publish: EncodedPublish, qos: 1 | 2, answer: (delivery: Delivery) => void, since = 0): void {
    const id = this.ids.next();
    if (this.#link === null || id === null) throw new Error("A message was sent where there is no room");
    setPacketId(publish, id);
    const fresh = { received: null, sent: true, released: false, tries: 1 };
    this.#inFlight.set(id, { publish, qos, since, ...fresh, answer });
    this.#bytes += publish.bytes.length;
    this.#budget.force();
    this.#link.unacknowledged += 1;
    this.#link.wire.sendPublish(publish.bytes);
  }

  /**
   * A network connection is ready. Without its session present, what was in flight is lost, and not sent again; with it,
   * a PUBLISH that the broker does not take any more, by what it announced this time, and what was sent too often.
   */
  begin(
    wire: Wire,
    quota: number,
    sessionPresent: boolean,
    takes: (publish: EncodedPublish) => boolean = () => true,
  ): void {
    if (!sessionPresent) this.lose();
    else
      this.#loseThose(
        (entry) => entry.tries >= mostTries || (entry.received === null && !takes(entry.publish)),
      );
    for (const entry of this.#inFlight.values()) entry.sent = false;
    this.#link = { wire, quota, unacknowledged: 0, strays: 0, resend: [...this.#inFlight.keys()] };
    this.#resend(this.#link);
  }

  /** The network connection has gone. */
  end(): void {
    this.#link = null;
  }

  /** Tells every caller that what became of the message is not known, and keeps what is in flight. */
  abandonCallers(): void {
    for (const entry of this.#inFlight.values()) {
      const { answer } = entry;
      entry.answer = nobody;
      answer("lost");
    }
  }

  /** The session is gone: forgets all, and tells every caller. */
  lose(): void {
    this.#loseThose(() => true);
  }

  /** Takes an acknowledgement; false when it answers what was not sent so. Unknown identifiers may be late ones. */
  acknowledge(ack: PublishAck): boolean {
    const entry = this.#inFlight.get(ack.packetId);
    if (entry === undefined) {
      // The broker waits for a PUBREL, and would hold the identifier for ever (§4.3.3).
      return ack.packet !== "pubrec" || ack.reasonCode >= 0x80 || this.#answerStray(ack.packetId, 0x92);
    }
    switch (ack.packet) {
      case "puback":
        if (entry.qos !== 1) return false;
        this.#settle(entry, ack);
        return true;
      case "pubrec":
        if (entry.qos !== 2) return false;
        if (entry.received !== null) return this.#answerStray(ack.packetId, 0);
        if (ack.reasonCode >= 0x80) this.#settle(entry, ack);
        else {
          entry.received = ack;
          this.#link?.wire.sendPubrel(ack.packetId, 0);
        }
        return true;
      case "pubcomp": {
        if (entry.qos !== 2 || entry.received === null) return false;
        // PUBREC has the word on who gets it (0x10), PUBCOMP only on whether all went well. To a PUBREL that is sent
        // again, "not found" says that the broker had finished (MQTT 5 §3.7.2.1).
        const finished = ack.reasonCode === 0 || (ack.reasonCode === 0x92 && entry.released);
        this.#settle(entry, finished ? { ...entry.received, packet: "pubcomp" } : ack);
        return true;
      }
      default:
        return ack.packet satisfies never;
    }
  }

  /** False when there were too many of them. */
  #answerStray(packetId: number, reasonCode: number): boolean {
    const link = this.#link;
    if (link === null) return true;
    link.strays += 1;
    if (link.strays > mostStrays) return false;
    link.wire.sendPubrel(packetId, reasonCode);
    return true;
  }

  #loseThose(which: (entry: InFlight) => boolean): void {
    const lost = [...this.#inFlight].filter(([, entry]) => which(entry));
    for (const [id, entry] of lost) {
      this.#inFlight.delete(id);
      this.#bytes -= entry.publish.bytes.length;
    }
    this.#budget.give(lost.length);
    for (const [, entry] of lost) entry.answer("lost");
  }

  #settle(entry: InFlight, ack: PublishAck): void {
    this.#inFlight.delete(ack.packetId);
    this.#bytes -= entry.publish.bytes.length;
    this.#budget.give();
    if (this.#link !== null) {
      if (entry.sent) this.#link.unacknowledged -= 1;
      this.#resend(this.#link);
    }
    entry.answer(ack);
    this.#onRoom();
  }

  #resend(link: Link): void {
    while (link.resend.length > 0 && link.unacknowledged < link.quota) {
      const id = link.resend.shift() ?? 0;
      const entry = this.#inFlight.get(id);
      if (entry === undefined || entry.sent) continue;
      entry.sent = true;
      entry.tries += 1;
      link.unacknowledged += 1;
      if (entry.received !== null) {
        entry.released = true;
        link.wire.sendPubrel(id, 0);
      } else link.wire.sendPublish(duplicateOf(entry.publish));
    }
  }
}
