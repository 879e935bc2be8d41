import type { ProtocolVersion } from "./protocol-version.ts";
import { type ReasonPacket, reasonCodes, v3ConnackNames, v3SubackCodes } from "./reason-codes.ts";
import { connackFailures, disconnectFailures } from "./reason-failures.ts";

export type { ReasonPacket };

/** What a CONNACK's code means. With code 0, Success, nothing failed: `hint` is empty, the rest false. */
export type ConnackVerdict = {
  /** The MQTT 5 name, also for a 3.x return code. */
  readonly name: string;
  /** The same request would be refused again, so it is not retried. */
  readonly permanent: boolean;
  /** The broker says that it is overloaded or away; never together with `permanent`. */
  readonly busy: boolean;
  /** One sentence that says what to check. */
  readonly hint: string;
};

/** What a DISCONNECT from the broker means; the fields are those of `ConnackVerdict`. */
export type DisconnectVerdict = Omit<ConnackVerdict, "busy">;

const UNKNOWN_HINT = "MQTT does not define this reason code; look for it in the broker's manual or log.";

const namesByPacket = Map.groupBy(
  reasonCodes.flatMap(([code, name, packets]) => packets.map((packet) => ({ packet, code, name }))),
  ({ packet }) => packet,
);

/** The standard's name of a reason code (MQTT 5 §2.4), or `Unknown reason code 0x7f`. */
export function reasonName(packet: ReasonPacket, code: number, protocolVersion: ProtocolVersion): string {
  return findName(packet, code, protocolVersion) ?? unknownName(code);
}

/**
 * Judges the code of a CONNACK, as the broker sent it.
 *
 * A code that no version defines is transient only from 0x80 up, where MQTT 5 puts failures (§2.4) and a later
 * broker may have added one; below, the peer does not follow the standard (MQTT-3.2.2-8), and will not next time.
 */
export function connackVerdict(code: number, protocolVersion: ProtocolVersion): ConnackVerdict {
  const name = reasonName("connack", code, protocolVersion);
  if (code === 0) return { name, permanent: false, busy: false, hint: "" };

  const { permanent, transient, busy } = connackFailures;
  const row = permanent[code] ?? transient[code] ?? busy[code];
  if (row === undefined) return { name, permanent: code < 0x80, busy: false, hint: UNKNOWN_HINT };

  const hint = row[1].replace("{version}", protocolVersion);
  return { name, permanent: code in permanent, busy: code in busy, hint };
}

/**
 * Judges the code of a DISCONNECT that the broker sent; only MQTT 5 has these (MQTT 5 §3.14).
 *
 * A code that the standard does not define is transient: the peer has accepted a CONNECT, so it speaks MQTT, and
 * giving up for good needs a reason that can be read.
 */
export function disconnectVerdict(code: number): DisconnectVerdict {
  const { permanent, transient } = disconnectFailures;
  const hint = (permanent[code] ?? transient[code])?.[1] ?? UNKNOWN_HINT;
  return { name: reasonName("disconnect", code, "5"), permanent: code in permanent, hint };
}

function findName(packet: ReasonPacket, code: number, protocolVersion: ProtocolVersion): string | undefined {
  if (packet === "connack") {
    // Either side may speak the other's codes: a 3.x broker answers a version 5 CONNECT with 1 (MQTT 3.1.1
    // §3.1.2.2), and a 5 broker an older CONNECT with 0x84 (MQTT 5 §3.1.2.2). No code has two meanings.
    return v3ConnackNames[code] ?? findV5Name(packet, code);
  }
  const carried =
    protocolVersion === "5" || code === 0 || (packet === "suback" && v3SubackCodes.includes(code));
  return carried ? findV5Name(packet, code) : undefined;
}

function findV5Name(packet: ReasonPacket, code: number): string | undefined {
  return namesByPacket.get(packet)?.find((row) => row.code === code)?.name;
}

function unknownName(code: number): string {
  return `Unknown reason code 0x${code.toString(16).padStart(2, "0")}`;
}
