import type { Budget, Meter } from "../budget.ts";
import type { Rate } from "../rate.ts";
import type { Shares } from "../shares.ts";
import {
  sharedBudgets,
  sharedRates,
  type SharedBudget,
  type SharedRate,
  type Taken,
  type TenantUsage,
} from "./usage-statement.ts";

/** When so much of a limit has been taken, the others are told soon; later where it can be made up for. */
const hurryParts = { budget: 1 / 100, rate: 1 / 20 };

/** Counts what is taken of one limit, and says when the others should know. */
class Counter implements Meter {
  readonly #step: number;
  readonly #hurry: () => void;
  #total = 0;
  #told = 0;
  /** May be taken before that. */
  #left: number;

  constructor(step: number, hurry: () => void) {
    this.#step = Math.max(1, step);
    this.#hurry = hurry;
    this.#left = this.#step;
  }

  took(amount: number): void {
    this.#total += amount;
    this.#left -= amount;
    if (this.#left > 0) return;
    this.#left = Infinity;
    this.#hurry();
  }

  /** What was taken in all, and since the last time; from now on it counts as told. */
  tell(): Taken {
    const since = this.#total - this.#told;
    this.#told = this.#total;
    this.#left = this.#step;
    return [this.#total, since];
  }

  /** What was taken since the last time was nobody else's: it is not told of. */
  skip(): void {
    this.#total = this.#told;
    this.#left = this.#step;
  }
}

interface Gauge {
  readonly name: SharedBudget;
  readonly budget: Budget;
  readonly counter: Counter;
  told: number;
}

interface Flow {
  readonly name: SharedRate;
  readonly rate: Rate;
  readonly counter: Counter;
}

/** What one tenant has on this node: what the others are told of it, and what they leave of its limits. */
export class UsageAccount {
  readonly tenant: string;
  readonly #gauges: readonly Gauge[];
  readonly #flows: readonly Flow[];

  /** `hurry` is called when so much was taken that the others should know soon; not again until they were told. */
  constructor(tenant: string, { budgets, rates }: Shares, hurry: () => void) {
    this.tenant = tenant;
    this.#gauges = sharedBudgets.map((name) => {
      const budget = budgets[name];
      return { name, budget, counter: new Counter(budget.most * hurryParts.budget, hurry), told: 0 };
    });
    this.#flows = sharedRates.map((name) => {
      const rate = rates[name];
      return { name, rate, counter: new Counter(rate.most * hurryParts.rate, hurry) };
    });
    for (const { budget, counter } of this.#gauges) budget.measure(counter);
    for (const { rate, counter } of this.#flows) rate.measure(counter);
  }

  /** What the others have not been told yet; null where that is nothing, unless `all` of it is to be told again. */
  tell(all: boolean): TenantUsage | null {
    let hasChanged = all;
    const used: TenantUsage["used"] = {};
    for (const gauge of this.#gauges) {
      const now = gauge.budget.used;
      if (now !== gauge.told) hasChanged = true;
      gauge.told = now;
      gauge.counter.tell();
      if (now > 0) used[gauge.name] = now;
    }
    const taken: TenantUsage["taken"] = {};
    for (const { name, counter } of this.#flows) {
      const [total, since] = counter.tell();
      if (since > 0) hasChanged = true;
      if (since > 0 || all) taken[name] = [total, since];
    }
    return hasChanged ? { tenant: this.tenant, used, taken } : null;
  }

  /** Others have so much of it: the rest may be taken here. */
  leave(elsewhere: (name: SharedBudget) => number): void {
    for (const { name, budget } of this.#gauges) budget.leave(Math.max(0, budget.most - elsewhere(name)));
    for (const { rate } of this.#flows) rate.scale(1);
  }

  /** Nothing is known of others: one of so many parts of everything is this node's. */
  divide(parts: number): void {
    for (const { budget } of this.#gauges) budget.leave(Math.max(1, Math.floor(budget.most / parts)));
    for (const { rate } of this.#flows) rate.scale(1 / parts);
  }

  /** Others have taken so much. */
  charge(name: SharedRate, amount: number): void {
    for (const flow of this.#flows) if (flow.name === name) flow.rate.charge(amount);
  }

  /** What was taken while everything was divided was this node's part, and is not told of. */
  skip(): void {
    for (const { counter } of this.#flows) counter.skip();
  }
}
