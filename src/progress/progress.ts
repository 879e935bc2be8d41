/** What may take long at a start, in the order in which it comes; connections are dialled when calls are taken already. */
export type ProgressTask = "store" | "migration" | "restore" | "dial";

/** How far it is, as callers see it; `store` counts as one. */
export interface Progress {
  readonly task: ProgressTask;
  readonly done: number;
  readonly total: number;
}

/** The same with what is told of it in words. */
export type ProgressReport =
  /** It is waited for, since another process has it; or looked through, since it was not closed. */
  | { readonly task: "store"; readonly why: "in-use" | "unclean" }
  /** Statements; the versions are those of the file. */
  | {
      readonly task: "migration";
      readonly from: number;
      readonly to: number;
      readonly done: number;
      readonly total: number;
    }
  /** Connections. */
  | { readonly task: "restore" | "dial"; readonly done: number; readonly total: number };

/** A task, since when. */
export interface Underway {
  readonly report: ProgressReport;
  /** In milliseconds of a monotonic clock. */
  readonly startedAt: number;
}

const leastSeconds = 1;
const mostSeconds = 60;

/** What is under way once this was reported: the task before it, if it is another, is over. */
export function reported(before: Underway | null, report: ProgressReport, now: number): Underway {
  const goesOn = before !== null && before.report.task === report.task;
  return { report, startedAt: goesOn ? before.startedAt : now };
}

export function progressOf(report: ProgressReport): Progress {
  const { task } = report;
  return task === "store" ? { task, done: 0, total: 1 } : { task, done: report.done, total: report.total };
}

/**
 * When it is worth a try to call again, in whole seconds: what is left takes as long for each as what is done. Where
 * nothing is done yet, it is as long again as it has been.
 */
export function secondsLeft(underway: Underway | null, now: number): number {
  if (underway === null) return leastSeconds;
  const { done, total } = progressOf(underway.report);
  const tookMs = now - underway.startedAt;
  const leftMs = done === 0 ? tookMs : (tookMs * Math.max(0, total - done)) / done;
  return Math.min(mostSeconds, Math.max(leastSeconds, Math.ceil(leftMs / 1_000)));
}

/** What happens, as a sentence without its end. */
export function sentenceOf(report: ProgressReport): string {
  switch (report.task) {
    case "store":
      return report.why === "in-use"
        ? "waiting for another process to let go of the store"
        : "looking through the store, which was not closed";
    case "migration":
      return `migrating the store from version ${report.from} to ${report.to}`;
    case "restore":
      return "reading stored connections back";
    case "dial":
      return "dialling stored connections";
    default:
      return report satisfies never;
  }
}

/** What has happened when it is over. */
export function endOf(report: ProgressReport): string {
  switch (report.task) {
    case "store":
      return "the store is open";
    case "migration":
      return `the store has been migrated from version ${report.from} to ${report.to}`;
    case "restore":
      return "stored connections have been read back";
    case "dial":
      return "stored connections have been dialled";
    default:
      return report satisfies never;
  }
}
