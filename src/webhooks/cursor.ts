import type { Entry, OrderedLog, Position } from "../stream/log.ts";
import type { Gap } from "./body.ts";

/** What comes next; it stays so until {@link Cursor.pass}. `ended`: the logs are closed, and nothing is left. */
export type Step =
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "gap"; readonly gap: Gap }
  | { readonly type: "idle" }
  | { readonly type: "ended" };

/** A step that is to be delivered. */
export type DueStep = Extract<Step, { type: "entry" | "gap" }>;

/** Logs that wait behind the one that is read, at most; their connections were replaced one after another. */
const mostWaiting = 2;
const batch = 64;

const idle: Step = { type: "idle" };
const ended: Step = { type: "ended" };

/**
 * A place in the log of a connection id. When the connection is replaced, its log is read to its end before the next
 * one. What cannot be read any more becomes a gap.
 */
export class Cursor {
  #log: OrderedLog;
  readonly #waiting: OrderedLog[] = [];
  readonly #wants: (entry: Entry) => boolean;
  readonly #onGap: (gap: Gap) => void;
  #position: Position;
  #due: DueStep | null = null;
  /** Held across a gap: however fast the log goes on, each gap is followed by an entry. */
  #held: Entry | null = null;
  #skippedLogs = false;

  /**
   * From the beginning, or after the entry with this id. `wants` may change its mind; then call {@link Cursor.refresh}.
   * `onGap` hears of each gap once, as soon as something is known to be missing: its telling may take days.
   */
  constructor(
    log: OrderedLog,
    after: string | null,
    wants: (entry: Entry) => boolean,
    onGap: (gap: Gap) => void = () => {},
  ) {
    this.#log = log;
    this.#wants = wants;
    this.#onGap = onGap;
    this.#position = log.beginning;
    if (after === null) {
      this.#begin(log.idOf(0), false);
      return;
    }
    const resumption = log.resume(after);
    if (resumption.ok) this.#position = resumption.after;
    else this.#lose({ requested: after, oldest: resumption.oldest, reason: resumption.reason });
  }

  /** The log that is read now. */
  get log(): OrderedLog {
    return this.#log;
  }

  /** The id of the last entry that is done with; a gap is not, before it was told. */
  get id(): string {
    return this.#due?.type === "gap" ? this.#due.gap.requested : this.#log.idOf(this.#position);
  }

  /** What {@link Cursor.id} will be when the due step has passed. */
  get idBehind(): string {
    return this.#log.idOf(this.#due?.type === "entry" ? this.#due.entry.sequence : this.#position);
  }

  /** How many entries are left. */
  get left(): number {
    return [this.#log, ...this.#waiting]
      .flatMap((log) => log.readAfter(log === this.#log ? this.#position : log.beginning, Infinity) ?? [])
      .filter((entry) => this.#wants(entry)).length;
  }

  /** No log that comes behind this one is open. */
  get orphaned(): boolean {
    return (this.#waiting.at(-1) ?? this.#log).closed;
  }

  /** Another connection has the id now; it may go on with the log of the one before. */
  follow(log: OrderedLog): void {
    if (log === (this.#waiting.at(-1) ?? this.#log)) return;
    this.#waiting.push(log);
    if (this.#waiting.length <= mostWaiting) return;
    this.#waiting.shift();
    this.#skippedLogs = true;
  }

  next(): Step {
    for (;;) {
      if (this.#due !== null) return this.#due;
      const entries = this.#log.readAfter(this.#position, batch);
      if (entries === null) {
        this.#lose({ requested: this.id, oldest: this.#oldest(), reason: "expired" });
        continue;
      }
      for (const entry of entries) {
        if (this.#wants(entry)) return (this.#due = { type: "entry", entry });
        this.#position = entry.sequence;
      }
      if (entries.length > 0) continue;
      if (!this.#log.closed) return idle;
      if (!this.#moveOn()) return ended;
    }
  }

  /** What is due is done with. */
  pass(): void {
    const due = this.#due;
    this.#due = null;
    if (due?.type === "entry") {
      this.#position = due.entry.sequence;
      this.#held = null;
    } else if (this.#held !== null) {
      this.#due = { type: "entry", entry: this.#held };
    }
  }

  /** Other entries are wanted now; gaps stand. */
  refresh(): void {
    if (this.#due?.type === "entry") this.#due = null;
    this.#held = null;
  }

  #lose(gap: Gap): void {
    this.#position = this.#log.beginning;
    this.#due = { type: "gap", gap };
    this.#onGap(gap);
    this.#held = null;
    for (const entry of this.#log.readAfter(this.#position, Infinity) ?? []) {
      if (this.#wants(entry)) {
        this.#held = entry;
        return;
      }
      this.#position = entry.sequence;
    }
  }

  #moveOn(): boolean {
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    const requested = this.id;
    this.#log = next;
    this.#position = next.beginning;
    this.#begin(requested, this.#skippedLogs);
    this.#skippedLogs = false;
    return true;
  }

  /** At the first entry there ever was, if it is still there. */
  #begin(requested: string, skipped: boolean): void {
    if (skipped || this.#log.beginning > 0)
      this.#lose({ requested, oldest: this.#oldest(), reason: "expired" });
  }

  #oldest(): string | null {
    const [entry] = this.#log.readAfter(this.#log.beginning, 1) ?? [];
    return entry === undefined ? null : this.#log.idOf(entry.sequence);
  }
}
