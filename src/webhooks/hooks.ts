import type { Budget } from "../budget.ts";
import { Problem } from "../problem.ts";
import type { Hook } from "./hook.ts";
import { viewOf, type WebhookView } from "./view.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the following page begins, null at the end. */
  readonly next: string | null;
}

export interface ListQuery {
  /** `[name, value]` pairs, all of which must hold. */
  readonly labels: readonly (readonly [string, string])[];
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after: string | null;
}

/** All webhooks, by id. Bounded. */
export class Hooks {
  readonly #budget: Budget;
  readonly #hooks = new Map<string, { readonly hook: Hook; readonly order: number }>();
  #order = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  *[Symbol.iterator](): Iterator<Hook> {
    for (const { hook } of this.#hooks.values()) yield hook;
  }

  /** @throws {Problem} `not-found` */
  get(id: string): Hook {
    const found = this.#hooks.get(id);
    if (found === undefined) throw new Problem("not-found", "There is no webhook with this id");
    return found.hook;
  }

  find(id: string): Hook | null {
    return this.#hooks.get(id)?.hook ?? null;
  }

  /** Room is taken, be there some or not. */
  enter(hook: Hook): void {
    this.#budget.force();
    this.#order += 1;
    this.#hooks.set(hook.webhook.id, { hook, order: this.#order });
  }

  delete(id: string): void {
    if (this.#hooks.delete(id)) this.#budget.give();
  }

  /** Gives back the room of all, which stay: this is over. */
  release(): void {
    this.#budget.give(this.#hooks.size);
  }

  /**
   * Holds a place while a webhook is being created.
   *
   * @throws {Problem} `limit-reached`
   */
  reserve(): Disposable {
    const full = this.#budget.take();
    if (full !== null) throw full.problem("webhooks", 60);
    return { [Symbol.dispose]: () => this.#budget.give() };
  }

  /** A page, oldest first. */
  list({ labels, limit, after }: ListQuery): Page<WebhookView> {
    const from = after === null ? 0 : Number.parseInt(after, 36);
    const found = [...this.#hooks.values()].filter(
      ({ hook: { webhook }, order }) =>
        order > from &&
        labels.every(
          ([name, value]) => Object.hasOwn(webhook.labels, name) && webhook.labels[name] === value,
        ),
    );
    const shown = found.slice(0, limit);
    const next = found.length > limit ? (shown.at(-1)?.order.toString(36) ?? null) : null;
    return { items: shown.map(({ hook }) => viewOf(hook)), next };
  }
}
