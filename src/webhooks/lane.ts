import type { Clock } from "../clock.ts";
import type { OrderedLog } from "../stream/log.ts";
import { Cursor, type DueStep } from "./cursor.ts";
import type { DeliveryFailure, Outcome } from "./delivery.ts";
import type { Place, Tries } from "./records.ts";
import { nextDelay, type Schedule } from "./schedule.ts";

/** What a lane needs of its webhook. */
export interface LaneDeps {
  readonly schedule: Schedule;
  readonly clock: Clock;
  /** In milliseconds, going on from one process to the next. */
  readonly time: () => number;
  readonly random: () => number;
  /** Nothing is sent while it is false; then call {@link Lane.wake}. */
  readonly running: () => boolean;
  /** Has a task run when its turn comes. */
  readonly submit: (task: () => Promise<void>) => void;
  /** Milliseconds for which the endpoint wants to be left alone. */
  readonly holdMs: () => number;
  readonly attempt: (step: DueStep, attempt: number, signal: AbortSignal) => Promise<Outcome>;
  /** Keeps a place; false when it could not. */
  readonly keep: (place: Place) => Promise<boolean>;
  /** Keeps a step that is given up, along with the place behind it; false when it could not. */
  readonly bury: (step: DueStep, tries: Tries, failure: DeliveryFailure, place: Place) => Promise<boolean>;
  /** The connection is gone, and something of its log is left. */
  readonly orphaned: () => void;
  /** Nothing is left, and nothing will come. */
  readonly ended: () => void;
}

type State =
  | { readonly name: "idle" }
  | { readonly name: "queued" }
  | { readonly name: "sending"; readonly abort: AbortController }
  | { readonly name: "waiting"; readonly until: number; readonly timer: ReturnType<typeof setTimeout> };

const idle: State = { name: "idle" };

/**
 * Brings one log of one connection to one webhook, strictly in order: what comes next waits until the step before was
 * accepted, or was given up.
 */
export class Lane {
  readonly cursor: Cursor;
  readonly #deps: LaneDeps;
  #state: State = idle;
  #tries: Tries | null;
  #heard: OrderedLog | null = null;
  #unlisten: () => void = () => {};
  /** The place that the store has. */
  #keptId: string | null;

  /** `place` is the one that the store has. */
  constructor(cursor: Cursor, place: Place, deps: LaneDeps) {
    this.cursor = cursor;
    this.#deps = deps;
    this.#keptId = place.id;
    this.#tries = place.tries;
    this.#listen();
  }

  /** When it is tried again, in epoch milliseconds; null when it is not waiting. */
  get nextAttemptAt(): number | null {
    return this.#state.name === "waiting" ? this.#state.until : null;
  }

  /** The place, where the store has another one. */
  get unkept(): string | null {
    return this.cursor.id === this.#keptId ? null : this.cursor.id;
  }

  /** Looks for something to send, unless it is at it. */
  wake(): void {
    if (this.#state.name !== "idle" || !this.#deps.running()) return;
    const step = this.cursor.next();
    this.#listen();
    if (step.type === "ended") this.#deps.ended();
    else if (step.type !== "idle") this.#queue();
  }

  /** Drops what is under way; the step stays due, and its schedule begins anew. */
  pause(): void {
    const state = this.#state;
    this.#state = idle;
    this.#tries = null;
    if (state.name === "waiting") clearTimeout(state.timer);
    if (state.name === "sending") state.abort.abort();
  }

  /** For good. */
  stop(): void {
    this.pause();
    this.#unlisten();
    this.#unlisten = () => {};
  }

  #listen(): void {
    const { log } = this.cursor;
    if (log === this.#heard) return;
    this.#unlisten();
    this.#heard = log;
    this.#unlisten = log.listen(() => {
      if (this.cursor.orphaned) this.#deps.orphaned();
      this.wake();
    });
  }

  #queue(): void {
    const queued: State = { name: "queued" };
    this.#state = queued;
    // Whoever paused it meanwhile has queued another task, or none.
    this.#deps.submit(async () => {
      if (this.#state === queued) await this.#send();
    });
  }

  async #send(): Promise<void> {
    const { attempt, time, holdMs, random } = this.#deps;
    const step = this.cursor.next();
    if (step.type !== "entry" && step.type !== "gap") return this.#rest();
    const hold = holdMs();
    if (hold > 0) return this.#wait(hold * (1 + random() / 5));
    const sending: State = { name: "sending", abort: new AbortController() };
    this.#state = sending;
    const tries = this.#tries ?? { firstAt: time(), failures: 0 };
    const outcome = await attempt(step, tries.failures + 1, sending.abort.signal);
    if (this.#state !== sending) return;
    if (outcome.type === "accepted") {
      await this.#passed();
      if (this.#state === sending) this.#rest();
    } else if (outcome.type === "failed") {
      const failed = { ...tries, failures: tries.failures + 1 };
      this.#tries = failed;
      await this.#failed(step, outcome, failed, sending);
    } else this.#state = idle;
  }

  async #failed(step: DueStep, failure: DeliveryFailure, tries: Tries, sending: State): Promise<void> {
    const { schedule, time, random, bury, keep } = this.#deps;
    const sinceFirstMs = time() - tries.firstAt;
    const { retryAfterMs } = failure;
    const { failures } = tries;
    const delay = nextDelay(schedule, { failures, sinceFirstMs, retryAfterMs, random: random() });
    if (delay !== null) {
      this.#wait(delay);
      // So that its time does not begin anew with a process; where it cannot be kept, it does.
      const { id } = this.cursor;
      if (await keep({ id, tries })) this.#keptId = id;
      return;
    }
    const id = this.cursor.idBehind;
    const buried = await bury(step, tries, failure, { id, tries: null });
    if (this.#state !== sending) return;
    // It is not lost for want of a place to keep it: it is tried, and given up, once more.
    if (!buried) return this.#wait(schedule.delaysMs.at(-1) ?? schedule.giveUpAfterMs);
    this.#keptId = id;
    this.#tries = null;
    this.cursor.pass();
    this.#rest();
  }

  async #passed(): Promise<void> {
    this.#tries = null;
    this.cursor.pass();
    const { id } = this.cursor;
    // Where it cannot be kept, what follows a restart is delivered once more; waiting would help nobody.
    if (await this.#deps.keep({ id, tries: null })) this.#keptId = id;
  }

  #rest(): void {
    this.#state = idle;
    this.wake();
  }

  #wait(ms: number): void {
    const timer = setTimeout(() => this.#queue(), ms);
    this.#state = { name: "waiting", until: this.#deps.clock.wall() + ms, timer };
  }
}
