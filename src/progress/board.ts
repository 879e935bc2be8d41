import { Listeners } from "../listeners.ts";
import {
  progressOf,
  reported,
  secondsLeft,
  type Progress,
  type ProgressReport,
  type ProgressTask,
  type Underway,
} from "./progress.ts";

/** Where it stands what takes long at present: whoever does it writes, and several read. */
export class ProgressBoard {
  readonly #now: () => number;
  readonly #watchers = new Listeners();
  #underway: Underway | null = null;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get underway(): Underway | null {
    return this.#underway;
  }

  /** As callers see it; null while nothing is under way. */
  get progress(): Progress | null {
    return this.#underway === null ? null : progressOf(this.#underway.report);
  }

  /** When it is worth a try to call again. */
  get secondsLeft(): number {
    return secondsLeft(this.#underway, this.#now());
  }

  /** Begins a task, or goes on with it. */
  report(report: ProgressReport): void {
    this.#underway = reported(this.#underway, report, this.#now());
    this.#watchers.call();
  }

  /** This task is over, if it is under way. */
  finish(task: ProgressTask): void {
    if (this.#underway?.report.task !== task) return;
    this.#underway = null;
    this.#watchers.call();
  }

  /** Calls `watcher` after each change, until the returned function is called. */
  watch(watcher: () => void): () => void {
    return this.#watchers.add(watcher);
  }
}
