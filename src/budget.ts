import { Problem } from "./problem.ts";

/** Something bounded, as metrics show it. */
export interface Limit {
  /** The setting that says how much, as in `CONNACK_MAX_STREAMS`. */
  readonly setting: string;
  readonly most: number;
  readonly used: number;
  /** How often there was no room. */
  readonly refused: number;
  /** How often tenants had no room in their parts of this, while there was some here. */
  readonly refusedWithin: number;
}

/** Hears of what is taken, where others are to know of it. */
export interface Meter {
  took(amount: number): void;
}

/** How many of something there may be: for a tenant, within how many there may be in all. */
export class Budget implements Limit {
  readonly setting: string;
  readonly most: number;
  readonly #within: Budget | null;
  #meter: Meter | null = null;
  /** Up to where it may be taken here. */
  #room: number;
  #used = 0;
  #refused = 0;
  #refusedWithin = 0;

  constructor(setting: string, most: number, within: Budget | null = null) {
    this.setting = setting;
    this.most = most;
    this.#within = within;
    this.#room = most;
  }

  /** Tells `meter` from now on of each amount that is taken or forced here; null ends that. */
  measure(meter: Meter | null): void {
    this.#meter = meter;
  }

  /** Only so many may be taken here from now on, where others have the rest of what there may be; what is there stays. */
  leave(room: number): void {
    this.#room = room;
  }

  get used(): number {
    return this.#used;
  }

  get refused(): number {
    return this.#refused;
  }

  get refusedWithin(): number {
    return this.#refusedWithin;
  }

  /** Takes `amount` here and in what this is a part of; where one of them has no room, it takes nothing, and returns that one. */
  take(amount = 1): Budget | null {
    const full = this.check(amount);
    if (full === null) this.force(amount);
    return full;
  }

  /** As {@link take}, for what is taken a moment later. */
  check(amount = 1): Budget | null {
    const full = this.#findFull(amount);
    if (full !== null) this.#refuse(full);
    return full;
  }

  /** Takes `amount`, room or not: for what is there already. */
  force(amount = 1): void {
    this.#used += amount;
    this.#meter?.took(amount);
    this.#within?.force(amount);
  }

  give(amount = 1): void {
    this.#used -= amount;
    this.#within?.give(amount);
  }

  /** Whether there is more than there may be, here or in all: then who has forced it makes room. */
  get isOver(): boolean {
    return this.#used > this.#room || (this.#within?.isOver ?? false);
  }

  /** Notes that somebody who forced it had to make room. */
  noteOver(): void {
    const over = this.#findFull(0);
    if (over !== null) this.#refuse(over);
  }

  /** The outermost: that a tenant's own part is full is no reason where there is no room for anybody. */
  #findFull(amount: number): Budget | null {
    const outer = this.#within === null ? null : this.#within.#findFull(amount);
    return outer ?? (this.#used + amount > this.#room ? this : null);
  }

  #refuse(full: Budget): void {
    full.#refused += 1;
    if (full.#within !== null) full.#within.#refusedWithin += 1;
  }

  /** The problem of a call for which there is no room; `what` completes "as many … as it may". */
  problem(what: string, retryAfterSeconds: number): Problem {
    const whose = this.#within === null ? "This server" : "This tenant";
    return new Problem("limit-reached", {
      detail: `${whose} has ${this.most} ${what}, which is as many as it may`,
      limit: { name: this.setting, value: this.most },
      retryAfterSeconds,
    });
  }
}

/** Room without end, for what nobody bounds. */
export function unlimited(): Budget {
  return new Budget("", Infinity);
}
