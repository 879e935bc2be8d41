import type { Established } from "../broker/attempt-event.ts";
import type { BrokerReason } from "../broker/failure.ts";
import { timestamp } from "../clock.ts";
import type { ProbeResult, ProbeStage } from "../connection/probe.ts";
import { negotiate } from "../mqtt/properties.ts";
import type { Problem } from "../problem.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";

/** Colours of a terminal (ECMA-48, SGR). */
const sgr = { red: 31, green: 32, bold: 1, dim: 2 } as const;

export type Paint = (text: string, as: keyof typeof sgr) => string;

/** Paints where `colour` is wanted. */
export function painter(colour: boolean): Paint {
  return (text, as) => (colour ? `\u001B[${sgr[as]}m${text}\u001B[0m` : text);
}

/** A stage that has ended, as one line. */
export function stageLine({ name, ok, ms, detail }: ProbeStage, paint: Paint): string {
  const mark = ok ? paint("ok    ", "green") : paint("failed", "red");
  const time = `${ms.toFixed(1)} ms`.padStart(11);
  return `${mark} ${name.padEnd(9)} ${paint(time, "dim")}  ${shown(detail)}`;
}

/** How it ended: the facts of the CONNACK where there was one, and what went wrong. */
export function* outcomeLines(
  { ok, established, problem, certificateEndsAt }: ProbeResult,
  request: ConnectionRequest,
  paint: Paint,
): Iterable<string> {
  if (established !== null) {
    yield "";
    yield* factLines(established, request);
  }
  if (certificateEndsAt !== null) yield `${"certificateEndsAt".padEnd(33)} ${timestamp(certificateEndsAt)}`;
  yield "";
  if (problem !== null) yield* problemLines(problem, paint);
  else if (ok) yield paint("The broker can be connected to", "green");
}

function* factLines(
  { connack, protocolVersion, clientId, address }: Established,
  request: ConnectionRequest,
): Iterable<string> {
  const { reasonString, userProperties } = connack.properties;
  const { keepAlive, properties } = request;
  const limits = negotiate(
    { keepAlive, sessionExpiryInterval: properties?.sessionExpiryInterval ?? 0 },
    connack.properties,
  );
  const facts: Record<string, unknown> = {
    address,
    protocolVersion,
    clientId,
    reasonCode: connack.reasonCode,
    ...(reasonString === undefined ? {} : { reasonString }),
    sessionPresent: connack.sessionPresent,
    // Before version 5 a broker does not tell its limits.
    ...(protocolVersion === "5" ? limits : { keepAlive }),
    ...(userProperties === undefined ? {} : { userProperties }),
  };
  for (const [name, value] of Object.entries(facts))
    yield `${name.padEnd(33)} ${shown(typeof value === "string" ? value : JSON.stringify(value))}`;
}

function* problemLines({ code, details }: Problem, paint: Paint): Iterable<string> {
  yield `${paint(code, "red")}: ${shown(details.detail)}`;
  const mqtt = details.mqtt as BrokerReason | undefined;
  if (mqtt !== undefined) {
    const hex = mqtt.reasonCode.toString(16).toUpperCase().padStart(2, "0");
    yield `reason code ${mqtt.reasonCode} (0x${hex}): ${shown(mqtt.reasonName)}`;
    if (mqtt.reasonString !== null) yield `the broker says: ${shown(mqtt.reasonString)}`;
    if (mqtt.serverReference !== null) yield `it refers to: ${shown(mqtt.serverReference)}`;
  }
  if (details.hint !== undefined) yield `${paint("hint:", "bold")} ${shown(details.hint)}`;
}

/** A broker's text must not command the terminal: control and format characters are replaced. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}
