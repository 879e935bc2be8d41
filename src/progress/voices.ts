import type { Logger } from "../log.ts";
import { endOf, progressOf, sentenceOf, type ProgressReport } from "./progress.ts";
import type { ProgressVoice } from "./teller.ts";
import type { TransientLine } from "./transient-line.ts";

const logEveryMs = 5_000;

/** Says it in the log: a line at the beginning, one now and then, and one at the end. */
export function loggingVoice(logger: Logger): ProgressVoice {
  return {
    everyMs: logEveryMs,
    tell: ({ report }) => logger.info(sentenceOf(report), { ...progressOf(report) }),
    over: ({ report }, tookMs) =>
      logger.info(endOf(report), { task: report.task, seconds: inSeconds(tookMs) }),
    hush: () => {},
  };
}

/** Says it to somebody at a terminal: one line that is written anew, and in the end a sentence in its place. */
export function terminalVoice(line: TransientLine): ProgressVoice {
  return {
    // As often as is looked.
    everyMs: 0,
    tell: ({ report }) => line.show(`${capital(sentenceOf(report))}${countOf(report)}`),
    over: ({ report }, tookMs) => line.write(`${capital(endOf(report))}, in ${inSeconds(tookMs)} s.\n`),
    hush: () => line.hide(),
  };
}

/** Nothing where there is nothing to count. */
function countOf(report: ProgressReport): string {
  if (report.task === "store") return " …";
  const { done, total } = report;
  return `: ${done} of ${total}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
