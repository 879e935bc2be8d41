import type { ReceivedMessage } from "../mqtt/message.ts";
import type { IncomingStore } from "./incoming-store.ts";
import type { PacketIds } from "./packet-ids.ts";

/** An answer of the broker's to a PUBLISH of ours (MQTT 5 §3.4, §3.5, §3.7); before version 5 the code is 0. */
export interface PublishAck {
  readonly packet: "puback" | "pubrec" | "pubcomp";
  readonly packetId: number;
  readonly reasonCode: number;
  readonly reasonString: string | null;
}

/** Messages that are acknowledged when they are kept, and not before; each that comes has the next number. */
export interface KeptMessages {
  /** The number of the last that came. */
  readonly arrived: number;
  /** All up to this number may be acknowledged. */
  readonly settled: number;
  /** Calls `proceed` once, when as much waits to be kept as may, or less. */
  whenRoom(proceed: () => void): void;
  /** Hears of it when more is settled; `kept` is false where it was not kept, and must not be acknowledged. */
  onSettled: (kept: boolean) => void;
}

/** What a session keeps while network connections come and go (MQTT 5 §4.1), as a client sees it. */
export interface SessionState {
  /** QoS 2 messages that arrived and are not released. */
  readonly incoming: IncomingStore;
  readonly ids: PacketIds;
  /** False when the broker acknowledges what it cannot have got: a Protocol Error. */
  acknowledged(ack: PublishAck): boolean;
  /** Null where a message may be acknowledged as soon as {@link received} has returned. */
  readonly kept: KeptMessages | null;
  /** Takes a message over. `packetId` is that of its PUBLISH, 0 at QoS 0. */
  received(message: ReceivedMessage, packetId: number): void;
}
