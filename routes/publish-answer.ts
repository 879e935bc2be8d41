import type { Published } from "../src/connection/publisher.ts";
import { roundMs } from "../src/connection/view.ts";
import type { Problem } from "../src/problem.ts";

/** What became of a message. */
export type Outcome = Published | Problem;

/** QoS 0 is not acknowledged, so that it is no more than accepted. */
export function statusOf({ acknowledgement }: Published): 200 | 202 {
  return acknowledgement === null ? 202 : 200;
}

/** The members of the answer, as JSON without its braces. */
export function membersOf({ acknowledgement }: Published): string {
  if (acknowledgement === null) return `"qos":0`;
  const { reasonCode, reasonName, reasonString, packetId, ms } = acknowledgement;
  const said = reasonString === null ? "" : `,"reasonString":${JSON.stringify(reasonString)}`;
  return `"reasonCode":${reasonCode},"reasonName":"${reasonName}"${said},"packetId":${packetId},"ms":${roundMs(ms)}`;
}

/** One result of several. */
export function resultOf(outcome: Outcome): string {
  if (isPublished(outcome)) return `{"status":${statusOf(outcome)},${membersOf(outcome)}}`;
  const { instance: _instance, status, ...rest } = outcome.toBody("");
  return JSON.stringify({ status, ...rest });
}

/** One line of reports; what the code says already is left out of a problem. */
export function reportOf(line: number, outcome: Outcome): string {
  if (isPublished(outcome)) return `{"line":${line},"status":${statusOf(outcome)},${membersOf(outcome)}}\n`;
  const {
    instance: _instance,
    type: _type,
    title: _title,
    status,
    code,
    detail,
    ...rest
  } = outcome.toBody("");
  return `${JSON.stringify({ line, status, code, detail, ...rest })}\n`;
}

function isPublished(outcome: Outcome): outcome is Published {
  return "acknowledgement" in outcome;
}
