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

/** What a session keeps while network connections come and go (MQTT 5 §4.1), as a client sees it. */
export interface SessionState {
  /** QoS 2 messages that arrived and are not released. */
  readonly incoming: IncomingStore;
  readonly ids: PacketIds;
  /** False when the broker acknowledges what it cannot have got: a Protocol Error. */
  acknowledged(ack: PublishAck): boolean;
  /** Takes a message over; when it returns, the message may be acknowledged. */
  received(message: ReceivedMessage): void;
}
