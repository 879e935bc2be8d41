import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { reasonName, type ReasonPacket } from "../mqtt/reason.ts";
import { Problem, type ProblemCode } from "../problem.ts";

/** What a broker said to a PUBLISH, SUBSCRIBE or UNSUBSCRIBE, as the answer shows it. */
export interface BrokerWord {
  readonly packet: ReasonPacket;
  readonly reasonCode: number;
  readonly reasonString: string | null;
  readonly protocolVersion: ProtocolVersion;
}

const refusalCodes: Readonly<Record<number, ProblemCode>> = {
  0x87: "broker-not-authorized",
  0x8f: "broker-topic-refused",
  0x90: "broker-topic-refused",
  0x97: "broker-quota-exceeded",
};

/** The broker refused with a reason code of 0x80 or more (MQTT 5 §2.4); `what` was refused, as a noun. */
export function refusalProblem(what: string, word: BrokerWord): Problem {
  const name = reasonName(word.packet, word.reasonCode, word.protocolVersion);
  return new Problem(refusalCodes[word.reasonCode] ?? "broker-rejected", {
    detail: `The broker refused the ${what}: ${name}`,
    mqtt: { ...word, reasonName: name },
    ...(word.reasonCode === 0x97 ? { retryAfterSeconds: 5 } : {}),
  });
}

/** No acknowledgement came in time. `sent`: the broker may have the message, and a second try may be a second message. */
export function acknowledgementTimeout(sent: boolean, waitMs: number): Problem {
  return new Problem("acknowledgement-timeout", {
    detail: sent
      ? `The broker has not acknowledged the message within ${waitMs} ms`
      : `The message could not be sent within ${waitMs} ms: the broker has yet to acknowledge others`,
    duplicatePossible: sent,
  });
}

/** The network connection went away, and the broker's session with it, before the acknowledgement came. */
export function lostInFlight(): Problem {
  return new Problem("connection-lost", {
    detail: "The connection was lost before the broker acknowledged the message",
    duplicatePossible: true,
  });
}

/** The network connection went away before this packet came. */
export function lostUnanswered(packet: "SUBACK" | "UNSUBACK"): Problem {
  return new Problem("connection-lost", `The connection was lost before ${packet} came`);
}

/** The packet that answers a SUBSCRIBE or UNSUBSCRIBE did not come in time. */
export function unansweredInTime(packet: "SUBACK" | "UNSUBACK", waitMs: number): Problem {
  return new Problem("acknowledgement-timeout", `No ${packet} within ${waitMs} ms`);
}

/** A limit that the broker announced in CONNACK (MQTT 5 §3.2.2.3); nothing was sent. */
export function brokerLimit(name: string, value: number, detail: string): Problem {
  return new Problem("broker-limit", { detail, limit: { name, value } });
}
