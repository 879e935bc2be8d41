import type { ProgressBoard } from "./board.ts";
import type { Underway } from "./progress.ts";

/** How an operator is told. */
export interface ProgressVoice {
  /** How often at most it says how far something is, in milliseconds; what is told first is told at once. */
  readonly everyMs: number;
  /** How far it is; `isFirst` for a task that was not told of before. */
  tell(underway: Underway, isFirst: boolean): void;
  /** Only of a task that was told of. */
  over(underway: Underway, tookMs: number): void;
  /** Something else is to be said: what is half said is taken back. */
  hush(): void;
}

export interface TellerTimes {
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** Calls again and again, until what is returned is called. */
  readonly every: (ms: number, call: () => void) => () => void;
}

/** What takes less is not spoken of. */
const quietMs = 1_000;
const lookMs = 250;

/** Tells of what takes long, and of nothing else. Watches the clock only while something is under way. */
export class ProgressTeller implements Disposable {
  readonly #board: ProgressBoard;
  readonly #voice: ProgressVoice;
  readonly #times: TellerTimes;
  readonly #unwatch: () => void;
  #told: { readonly underway: Underway; readonly at: number } | null = null;
  #rest: (() => void) | null = null;

  constructor(board: ProgressBoard, voice: ProgressVoice, times: TellerTimes) {
    this.#board = board;
    this.#voice = voice;
    this.#times = times;
    this.#unwatch = board.watch(() => this.#changed());
    this.#changed();
  }

  /** Nothing more is told. What is under way is not over: it is left where it is. */
  [Symbol.dispose](): void {
    this.#unwatch();
    this.#sleep();
    this.#voice.hush();
  }

  #changed(): void {
    const { underway } = this.#board;
    const told = this.#told;
    if (told !== null && !isSame(told.underway, underway)) {
      this.#told = null;
      this.#voice.over(told.underway, this.#times.now() - told.underway.startedAt);
    } else if (told !== null && underway !== null) this.#told = { ...told, underway };
    if (underway === null) this.#sleep();
    else this.#rest ??= this.#times.every(lookMs, () => this.#look());
  }

  #look(): void {
    const { underway } = this.#board;
    const now = this.#times.now();
    if (underway === null || now - underway.startedAt < quietMs) return;
    const told = this.#told;
    if (told !== null && now - told.at < this.#voice.everyMs) return;
    this.#told = { underway, at: now };
    this.#voice.tell(underway, told === null);
  }

  #sleep(): void {
    this.#rest?.();
    this.#rest = null;
  }
}

function isSame(before: Underway, now: Underway | null): boolean {
  return now !== null && now.report.task === before.report.task && now.startedAt === before.startedAt;
}
