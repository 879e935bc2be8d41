import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { connackVerdict, disconnectVerdict } from "../mqtt/reason.ts";
import type { ClientEvent } from "./client-event.ts";
import type { Connack } from "./connack.ts";
import {
  AttemptError,
  errorCode,
  socketFailure,
  type BrokerReason,
  type Failure,
  type Stage,
} from "./failure.ts";
import type { Violation } from "./guard.ts";

type Disconnect = Extract<ClientEvent, { type: "disconnect" }>;

const textOf = (value: unknown) => (typeof value === "string" ? value : null);

/** The failure that a refusing CONNACK stands for (§3.2.2.2). */
export function refusedFailure(connack: Connack, protocolVersion: ProtocolVersion): Failure {
  const verdict = connackVerdict(connack.reasonCode, protocolVersion);
  const mqtt: BrokerReason = {
    packet: "connack",
    reasonCode: connack.reasonCode,
    reasonName: verdict.name,
    reasonString: textOf(connack.properties["reasonString"]),
    serverReference: textOf(connack.properties["serverReference"]),
    protocolVersion,
  };
  return {
    stage: "connack",
    code: verdict.busy ? "broker-unavailable" : "broker-refused",
    detail: `The broker refused the connection: ${verdict.name}`,
    retryable: !verdict.permanent,
    hint: verdict.hint,
    mqtt,
  };
}

/** Whether the refusal says that the broker does not speak the version that was offered. */
export function isUnsupportedVersion(failure: Failure): boolean {
  return failure.mqtt?.reasonCode === 0x84 || failure.mqtt?.reasonCode === 1;
}

/** A peer that did not follow the protocol; after CONNACK the connection is lost, before it the attempt has failed. */
export function violationFailure(violation: Violation, stage: Stage): Failure {
  const hints = {
    "not-mqtt": "Check the port; it may be another kind of server, or want TLS (mqtts://, wss://).",
    protocol: "The broker, or a proxy in between, is faulty.",
    "too-large": "The operator of this server can raise CONNACK_MAX_PACKET_BYTES.",
    authentication: "Use an authentication method that needs no further step, or user name and password.",
  };
  return {
    stage,
    code: "broker-protocol-error",
    detail: violation.detail,
    retryable: violation.kind === "protocol" || violation.kind === "too-large",
    hint: hints[violation.kind],
  };
}

/** The network connection ended before CONNACK, with or without an error. */
export function closedFailure(error: unknown, where: string, protocolVersion: ProtocolVersion): Failure {
  if (error instanceof AttemptError) return error.failure;
  if (errorCode(error) !== "") return socketFailure(error, "connack", where);
  return {
    stage: "connack",
    code: "broker-closed",
    detail: `The broker closed the connection before CONNACK (${where})`,
    retryable: true,
    hint:
      protocolVersion === "5"
        ? 'The broker may not speak MQTT 5; try protocolVersion "auto" or "3.1.1".'
        : "The broker's log says why it closed.",
  };
}

/** The attempt is not wanted any more. */
export function cancelledFailure(stage: Stage): Failure {
  return {
    stage,
    code: "connection-closed",
    detail: "The attempt was cancelled",
    retryable: false,
    hint: "",
  };
}

/** Something is wrong in Connack itself. */
export function internalFailure(stage: Stage): Failure {
  return {
    stage,
    code: "internal-error",
    detail: "Connack failed while connecting",
    retryable: false,
    hint: "The log of this server has the details.",
  };
}

/** Time ran out at `stage`. */
export function timeoutFailure(stage: Stage, ms: number, where: string): Failure {
  if (stage === "connack") {
    return {
      stage,
      code: "connack-timeout",
      detail: `No CONNACK from ${where} within ${ms} ms`,
      retryable: true,
      hint: "Check that the port is the MQTT port, and the load of the broker.",
    };
  }
  const hint =
    stage === "dns"
      ? "Check the name servers that this server uses."
      : "Check firewalls between this server and the broker.";
  return {
    stage,
    code: "connect-timeout",
    detail: `No open connection to ${where} within ${ms} ms; it stopped at ${stage}`,
    retryable: true,
    hint,
  };
}

/** An open connection was lost: by a DISCONNECT of the broker's, or with a socket error, or without a word. */
export function lostFailure(
  cause: { disconnect: Disconnect | null; silent: boolean; error: unknown },
  where: string,
): Failure {
  const base = { stage: "connected", retryable: true } as const;
  if (cause.disconnect !== null) {
    const { reasonCode, reasonString, serverReference } = cause.disconnect;
    const verdict = disconnectVerdict(reasonCode);
    return {
      ...base,
      code: "broker-disconnected",
      detail: `The broker disconnected: ${verdict.name}`,
      retryable: !verdict.permanent,
      hint: verdict.hint,
      mqtt: {
        packet: "disconnect",
        reasonCode,
        reasonName: verdict.name,
        reasonString,
        serverReference,
        protocolVersion: "5",
      },
    };
  }
  if (cause.silent)
    return {
      ...base,
      code: "keep-alive-timeout",
      detail: `Nothing arrived from ${where} within the keep alive`,
      hint: "The network or the broker hangs.",
    };
  if (cause.error instanceof AttemptError) return { ...cause.error.failure, stage: "connected" };
  const code = errorCode(cause.error);
  return {
    ...base,
    code: "connection-lost",
    detail: `The connection to ${where} was lost${code === "" ? ": the broker closed it" : ` (${code})`}`,
    hint: "The broker's log says why; another client with the same client id is a common cause.",
  };
}

/** What makes `auto` try 3.1.1: the broker said so, or closed without an answer, as old brokers do. */
export function isFallbackCause(failure: Failure): boolean {
  const closed = failure.code === "broker-closed" || failure.code === "connection-reset";
  return isUnsupportedVersion(failure) || (failure.stage === "connack" && closed);
}
