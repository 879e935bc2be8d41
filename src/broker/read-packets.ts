import type { IDisconnectPacket } from "mqtt";
import type { IPubackPacket, IPubcompPacket, IPubrecPacket } from "mqtt-packet";
import type { ClientEvent } from "./client-event.ts";
import type { PublishAck } from "./session-state.ts";

/** A text of a packet; the parser makes an array of one that came twice, which the standard forbids (§3.4.2.2.2). */
export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** What a PUBACK, PUBREC or PUBCOMP says; a reason code that is left out is 0 (MQTT 5 §3.4.2.1). */
export function readAck(packet: IPubackPacket | IPubrecPacket | IPubcompPacket): PublishAck {
  return {
    packet: packet.cmd,
    packetId: packet.messageId ?? 0,
    reasonCode: packet.reasonCode ?? 0,
    reasonString: textOf(packet.properties?.reasonString),
  };
}

/** What a DISCONNECT says (§3.14.2). */
export function readDisconnect({
  reasonCode,
  properties,
}: IDisconnectPacket): Extract<ClientEvent, { type: "disconnect" }> {
  return {
    type: "disconnect",
    reasonCode: reasonCode ?? 0,
    reasonString: textOf(properties?.reasonString),
    serverReference: textOf(properties?.serverReference),
  };
}
