import { timestamp, type Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { Problem } from "../problem.ts";
import type { GapReason } from "../stream/log.ts";
import type { StoredTime } from "../stored-time.ts";
import type { Change, Store } from "../store/store.ts";
import { entryOccasion, gapOccasion, testOccasion, type Occasion, type Origin } from "./body.ts";
import type { DueStep } from "./cursor.ts";
import { DeadLetters } from "./dead-letters.ts";
import type { DeliveryDeps } from "./delivery.ts";
import { Line, type Dispatcher } from "./dispatcher.ts";
import { failureView, type AttemptView } from "./history.ts";
import type { LaneDeps } from "./lane.ts";
import { Lanes, type LaneOf } from "./lanes.ts";
import { parcelOf, type Parcel } from "./parcel.ts";
import { keepCursor, laneKey, webhookSpace, type Commit } from "./records.ts";
import type { Schedule } from "./schedule.ts";
import { Sender, type Sent, type SigningKey, type Unable } from "./sender.ts";
import { Serial } from "./serial.ts";
import type { Standing, Webhook } from "./webhook.ts";

export interface HookDeps {
  readonly store: Pick<Store, "records" | "get">;
  readonly commit: Commit;
  /** Keeps it, where that is here, or has it kept: its endpoint wants no more. */
  readonly keepGone: (webhook: Webhook) => Promise<unknown>;
  readonly dispatcher: Dispatcher;
  readonly delivery: DeliveryDeps;
  readonly clock: Clock;
  readonly time: StoredTime;
  readonly random: () => number;
  readonly schedule: Schedule;
  readonly logger: Logger;
  /** An endpoint has fallen behind a log, or a log has not survived. */
  readonly onGap: (reason: GapReason) => void;
}

/** Requests of one webhook at once: as many as help, and one while it fails, so that a slow failure takes one place. */
const mostAtOnce = 8;

/** One webhook at work. */
export class Hook {
  readonly lanes: Lanes;
  readonly dead: DeadLetters;
  readonly sender: Sender;
  /** Changes of the webhook go one after another. */
  readonly changes = new Serial();
  readonly #deps: HookDeps;
  readonly #line: Line;
  readonly #over = new AbortController();
  #webhook: Webhook;
  #replaying = false;
  /** It is being deleted. */
  #leaving = false;

  /** `unable` says why it can send nothing. */
  constructor(webhook: Webhook, keys: readonly SigningKey[], deps: HookDeps, unable: Unable | null = null) {
    this.#webhook = webhook;
    this.#deps = deps;
    this.dead = new DeadLetters(webhook.id, deps.store, deps.commit);
    this.sender = new Sender(webhook.id, webhook.url, keys, unable, deps);
    this.#line = new Line(() => (this.sender.history.failuresInARow > 0 ? 1 : mostAtOnce));
    this.lanes = new Lanes({
      webhook: () => this.#webhook,
      laneDeps: (of) => this.#laneDeps(of),
      onGap: ({ reason }) => deps.onGap(reason),
      forget: (change) => void this.#commitAside([change]),
      lost: (of, count, change) => void this.#lost(of, count, change),
    });
  }

  get webhook(): Webhook {
    return this.#webhook;
  }

  /** It takes the form that has been committed; what is under way begins anew. */
  change(webhook: Webhook, keys: readonly SigningKey[], unable: Unable | null = null): void {
    this.#webhook = webhook;
    this.sender.change(webhook.url, keys, unable);
    this.sender.forgive();
    this.lanes.refresh();
  }

  /** Sends one delivery that says nothing, and tells how that went. */
  async test(signal: AbortSignal): Promise<AttemptView> {
    const occasion = testOccasion(this.#webhook.id, this.#deps.clock.wall());
    return (await this.#sendNow(this.#parcel(occasion), 1, signal)).view;
  }

  /**
   * Makes the delivery of a dead letter once more; accepted, it is dead no longer.
   *
   * @throws {Problem} `not-found`
   */
  async replay(id: string, signal: AbortSignal): Promise<AttemptView> {
    const letter = await this.dead.find(id);
    if (letter === null) throw new Problem("not-found", "There is no dead delivery with this id");
    const { outcome, view } = await this.#sendNow(letter, letter.attempts + 1, signal);
    if (outcome.type === "accepted") await this.dead.remove(id);
    return view;
  }

  /** Begins to replay all dead letters, oldest first, until one fails; returns how many there are. */
  replayAll(): number {
    const ids = this.dead.ids;
    if (!this.#replaying) void this.#replayEach(ids);
    return ids.length;
  }

  /** Drops what is under way, and begins nothing; until {@link Hook.stay}, where it cannot be deleted. */
  leave(): void {
    this.#leaving = true;
    this.lanes.pause();
  }

  stay(): void {
    this.#leaving = false;
    this.lanes.resume();
  }

  /** For good. */
  stop(): void {
    this.#leaving = true;
    this.#over.abort();
    this.lanes.stop();
  }

  /** It has answered 410 elsewhere; nothing happens where `isStill` says that this is of a form that it has no more. */
  gone(isStill: () => Promise<boolean>): Promise<boolean> {
    return this.changes.run(async () => {
      const holds = await isStill();
      if (holds) await this.#disable();
      return holds;
    });
  }

  #running(): boolean {
    const isAble = this.sender.unable === null && !this.#leaving;
    return isAble && this.#webhook.standing.state === "enabled";
  }

  #parcel(occasion: Occasion): Parcel {
    return parcelOf(this.#webhook.format, occasion);
  }

  #laneDeps(of: LaneOf): Omit<LaneDeps, "orphaned" | "ended"> {
    const { schedule, clock, time, random, dispatcher } = this.#deps;
    const key = laneKey(of.connection, of.kind);
    const { id } = this.#webhook;
    const origin = { webhook: id, ...of };
    return {
      schedule,
      clock,
      time: () => time.now(),
      random,
      running: () => this.#running(),
      submit: (task) => dispatcher.submit(this.#line, task),
      holdMs: () => this.sender.holdMs,
      attempt: async (step, attempt, signal) => {
        const parcel = this.#parcel(this.#occasion(origin, step));
        return (await this.#send(parcel, attempt, signal)).outcome;
      },
      keep: (place) => this.#commitAside([keepCursor(id, key, place), ...time.note()]),
      bury: async (step, { failures, firstAt }, failure, place) => {
        const now = clock.wall();
        const letter = {
          ...this.#parcel(this.#occasion(origin, step)),
          attempts: failures,
          firstAttemptAt: timestamp(firstAt),
          diedAt: timestamp(now),
          lastFailure: failureView(failure, now),
        };
        this.#deps.logger.warn("webhook delivery given up", { webhook: id, delivery: letter.id, ...of });
        return this.#aside(this.dead.bury(letter, now, [keepCursor(id, key, place)]));
      },
    };
  }

  #occasion(origin: Origin, step: DueStep): Occasion {
    return step.type === "entry"
      ? entryOccasion(origin, step.entry)
      : gapOccasion(origin, step.gap, this.#deps.clock.wall());
  }

  #sendNow(parcel: Parcel, attempt: number, signal: AbortSignal): Promise<Sent> {
    const over = AbortSignal.any([signal, this.#over.signal]);
    return this.#deps.dispatcher.run(this.#line, () => this.#send(parcel, attempt, over));
  }

  async #send(parcel: Parcel, attempt: number, signal: AbortSignal): Promise<Sent> {
    const sent = await this.sender.send(parcel, attempt, signal);
    if (sent.outcome.type === "gone") await this.changes.run(() => this.#disable());
    return sent;
  }

  /** The endpoint wants no more. It stays so in memory where it cannot be kept. */
  async #disable(): Promise<void> {
    if (this.#webhook.standing.state === "disabled" || this.#leaving) return;
    const standing: Standing = { state: "disabled", reason: "gone", at: this.#deps.clock.wall() };
    this.#webhook = { ...this.#webhook, standing };
    this.lanes.pause();
    this.#deps.logger.warn("webhook disabled: its endpoint answered 410", { webhook: this.#webhook.id });
    await this.#aside(this.#deps.keepGone(this.#webhook));
  }

  async #replayEach(ids: readonly string[]): Promise<void> {
    this.#replaying = true;
    try {
      for (const id of ids) {
        const { state } = await this.replay(id, this.#over.signal);
        if (state !== "delivered") return;
      }
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#replaying = false;
    }
  }

  async #lost(of: LaneOf, count: number, change: Change): Promise<void> {
    if (this.#leaving) return;
    this.#deps.logger.warn("webhook: undelivered entries of a closed connection were given up", {
      webhook: this.#webhook.id,
      ...of,
      count,
    });
    await this.#aside(this.dead.lose(count, [change]));
  }

  #commitAside(changes: readonly Change[]): Promise<boolean> {
    return this.#leaving ? Promise.resolve(false) : this.#aside(this.#deps.commit(changes));
  }

  /** Whether it succeeded; a failure is logged. */
  #aside(committed: Promise<unknown>): Promise<boolean> {
    return committed.then(
      () => true,
      (error: unknown) => {
        this.#complain(error);
        return false;
      },
    );
  }

  #complain(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.#deps.logger.error("webhook: what was done could not be kept", {
      webhook: this.#webhook.id,
      detail,
    });
  }
}

export function putWebhook(webhook: Webhook): Change {
  return { type: "put", space: webhookSpace, key: webhook.id, value: JSON.stringify(webhook) };
}
