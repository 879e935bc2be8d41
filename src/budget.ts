import { Problem } from "./problem.ts";

/** How many of something there may be: for a tenant, within how many there may be in all. */
export class Budget {
  /** The setting that says how many, as in `CONNACK_MAX_STREAMS`. */
  readonly setting: string;
  readonly most: number;
  readonly #within: Budget | null;
  #used = 0;
  #refused = 0;

  constructor(setting: string, most: number, within: Budget | null = null) {
    this.setting = setting;
    this.most = most;
    this.#within = within;
  }

  get used(): number {
    return this.#used;
  }

  /** How often there was no room for what was asked. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes `amount` here and in what this is a part of; where one of them has no room, it takes nothing, and returns that one. */
  take(amount = 1): Budget | null {
    const full = this.#findFull(amount);
    if (full !== null) {
      full.#refused += 1;
      return full;
    }
    this.force(amount);
    return null;
  }

  /** Takes `amount`, room or not: for what is there already. */
  force(amount = 1): void {
    this.#used += amount;
    this.#within?.force(amount);
  }

  give(amount = 1): void {
    this.#used -= amount;
    this.#within?.give(amount);
  }

  #findFull(amount: number): Budget | null {
    if (this.#used + amount > this.most) return this;
    return this.#within === null ? null : this.#within.#findFull(amount);
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
