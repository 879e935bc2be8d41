import { timestamp } from "../clock.ts";
import type { DeliveryFailure, Outcome } from "./delivery.ts";
import type { Parcel } from "./parcel.ts";

/** One attempt as it is shown. */
export interface AttemptView {
  /** That of the delivery; each of its attempts has it. */
  readonly id: string;
  readonly type: string;
  readonly connection: string | null;
  readonly attempt: number;
  readonly at: string;
  readonly ms: number;
  readonly state: "delivered" | "failed" | "cancelled";
  readonly status: number | null;
  readonly code: string | null;
  readonly detail: string | null;
}

/** Why an attempt failed, as it is shown and kept. */
export interface FailureView {
  readonly status: number | null;
  readonly code: string;
  readonly detail: string;
  readonly at: string;
}

export function failureView({ status, code, detail }: DeliveryFailure, at: number): FailureView {
  return { status, code, detail, at: timestamp(at) };
}

/** One attempt: what, the how-manieth, when (epoch milliseconds), and for how long. */
export interface Tried {
  readonly parcel: Parcel;
  readonly attempt: number;
  readonly at: number;
  readonly ms: number;
}

const mostRecent = 100;

/** How deliveries to one webhook went, since the start of the process. */
export class History {
  readonly #recent: { readonly order: number; readonly view: AttemptView }[] = [];
  #order = 0;
  #lastSuccessAt: number | null = null;
  #lastFailure: FailureView | null = null;
  #failuresInARow = 0;
  #delivered = 0;
  #failed = 0;

  get failuresInARow(): number {
    return this.#failuresInARow;
  }

  /** For the webhook's view. */
  get summary() {
    return {
      lastSuccessAt: this.#lastSuccessAt === null ? null : timestamp(this.#lastSuccessAt),
      lastFailure: this.#lastFailure,
      failuresInARow: this.#failuresInARow,
    };
  }

  get counters() {
    return { delivered: this.#delivered, failed: this.#failed };
  }

  add({ parcel, attempt, at, ms }: Tried, outcome: Outcome): AttemptView {
    const { id, type, connection } = parcel;
    const common = { id, type, connection, attempt, at: timestamp(at), ms: Math.round(ms * 10) / 10 };
    // We hung up: it says nothing about the endpoint.
    if (outcome.type === "cancelled")
      return { ...common, state: "cancelled", status: null, code: null, detail: null };
    let view: AttemptView;
    if (outcome.type === "accepted") {
      this.#delivered += 1;
      this.#failuresInARow = 0;
      this.#lastSuccessAt = at;
      view = { ...common, state: "delivered", status: outcome.status, code: null, detail: null };
    } else {
      const { status, code, detail } = outcome;
      this.#failed += 1;
      this.#failuresInARow += 1;
      this.#lastFailure = failureView(outcome, at);
      view = { ...common, state: "failed", status, code, detail };
    }
    this.#order += 1;
    this.#recent.push({ order: this.#order, view });
    if (this.#recent.length > mostRecent) this.#recent.shift();
    return view;
  }

  /** Trusts the endpoint again. */
  forgive(): void {
    this.#failuresInARow = 0;
  }

  /** A page of recent attempts, oldest first; `next` is where the following page begins, null at the end. */
  page(
    after: number,
    limit: number,
  ): { readonly items: readonly AttemptView[]; readonly next: number | null } {
    const rest = this.#recent.filter(({ order }) => order > after);
    const shown = rest.slice(0, limit);
    return {
      items: shown.map(({ view }) => view),
      next: rest.length > limit ? (shown.at(-1)?.order ?? null) : null,
    };
  }
}
