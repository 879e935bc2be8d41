import type { Limit, Meter } from "./budget.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** What a rate bounds: how it is called when there was too much. */
export interface RateKind {
  readonly code: ProblemCode & ("rate-limited" | "attempts-limited");
  readonly periodMs: number;
  /** So many of which there may be. */
  readonly what: string;
}

export const requestRate: RateKind = { code: "rate-limited", periodMs: 1_000, what: "requests a second" };
export const attemptRate: RateKind = {
  code: "attempts-limited",
  periodMs: 60_000,
  what: "attempts to connect a minute",
};

/** What others have taken too much is made up for later, up to what comes in so many periods: longer, nobody would understand it. */
const mostDebtPeriods = 4;

/**
 * How often something may happen: a token bucket that holds as much as comes in one period, and is filled evenly; for a
 * tenant, within what there may be in all. Filled when it is looked at, without a timer.
 */
export class Rate implements Limit {
  readonly setting: string;
  readonly most: number;
  readonly kind: RateKind;
  readonly #now: () => number;
  readonly #within: Rate | null;
  #meter: Meter | null = null;
  /** What comes in a period, and what it holds. */
  #filling: number;
  #capacity: number;
  #tokens: number;
  #at: number;
  #refused = 0;
  #refusedWithin = 0;

  /** `most` in a period. `now` is a monotonic clock in milliseconds. */
  constructor(setting: string, most: number, kind: RateKind, now: () => number, within: Rate | null = null) {
    this.setting = setting;
    this.most = most;
    this.kind = kind;
    this.#now = now;
    this.#within = within;
    this.#filling = most;
    this.#capacity = most;
    this.#tokens = most;
    this.#at = now();
  }

  /** Tells `meter` from now on of each that is taken here; null ends that. */
  measure(meter: Meter | null): void {
    this.#meter = meter;
  }

  /** So much was taken of it elsewhere; where that is more than there was, it is missing for a while. */
  charge(amount: number): void {
    this.#fill(this.#now());
    this.#tokens = Math.max(-mostDebtPeriods * this.most, this.#tokens - amount);
  }

  /** Only this part of it comes here from now on, in (0, 1], where others may take the rest without a word. */
  scale(part: number): void {
    this.#fill(this.#now());
    this.#filling = this.most * part;
    this.#capacity = Math.max(1, this.#filling);
    this.#tokens = Math.min(this.#capacity, this.#tokens);
  }

  get refused(): number {
    return this.#refused;
  }

  get refusedWithin(): number {
    return this.#refusedWithin;
  }

  /** Of what there may be in a period, what is not free again. */
  get used(): number {
    return this.most - this.left;
  }

  /** How often it may happen now. */
  get left(): number {
    this.#fill(this.#now());
    return this.leftThen;
  }

  /** How often it may still happen after the last time that something was taken: no look at the clock, for each answer. */
  get leftThen(): number {
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** Seconds until all of it is free again, 1 at least. */
  get secondsToFull(): number {
    return this.#secondsFor(this.#capacity);
  }

  /** Takes one here and in what this is a part of; where one of them has none, it takes nothing, and returns that one. */
  take(): Rate | null {
    const now = this.#now();
    const full = this.#findFull(now);
    if (full === null) {
      this.#spend();
      return null;
    }
    full.#refused += 1;
    if (full.#within !== null) full.#within.#refusedWithin += 1;
    return full;
  }

  problem(): Problem {
    return new Problem(this.kind.code, this.refusal);
  }

  /** What a problem says of it. */
  get refusal() {
    const whose = this.#within === null ? "in all" : "of one tenant";
    return {
      detail: `There may be ${this.most} ${this.kind.what} ${whose}, and there have been`,
      limit: { name: this.setting, value: this.most },
      retryAfterSeconds: this.#secondsFor(1),
    };
  }

  #secondsFor(tokens: number): number {
    const missing = Math.max(0, tokens - this.#tokens);
    return Math.max(1, Math.ceil(((missing / this.#filling) * this.kind.periodMs) / 1_000));
  }

  #findFull(now: number): Rate | null {
    this.#fill(now);
    const outer = this.#within === null ? null : this.#within.#findFull(now);
    return outer ?? (this.#tokens < 1 ? this : null);
  }

  #spend(): void {
    this.#tokens -= 1;
    this.#meter?.took(1);
    if (this.#within !== null) this.#within.#spend();
  }

  #fill(now: number): void {
    const since = now - this.#at;
    if (since <= 0) return;
    this.#at = now;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (since * this.#filling) / this.kind.periodMs);
  }
}
