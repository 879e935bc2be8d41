import type { Budget } from "./budget.ts";

/** Lifts the runtime's limit on how long a response may be silent, and returns what sets it again. */
export type HoldOpen = () => () => void;

/** Holds the response open meanwhile, without being one of the {@link Waits}: for what must not be refused. */
export async function holding<T>(holdOpen: HoldOpen | undefined, wait: () => Promise<T>): Promise<T> {
  const release = holdOpen?.();
  try {
    return await wait();
  } finally {
    release?.();
  }
}

/** HTTP calls that are held open while they wait; so many at once. */
export class Waits {
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /**
   * Begins a wait; the returned function ends it. `holdOpen` is undone then: else the limit would be gone for the idle
   * time between the requests of a network connection, too.
   *
   * @throws {Problem} `limit-reached`
   */
  enter(holdOpen: HoldOpen | undefined): () => void {
    const full = this.#budget.take();
    if (full !== null) throw full.problem("waiting calls", 5);
    const release = holdOpen?.();
    return () => {
      this.#budget.give();
      release?.();
    };
  }

  /** Runs a call that waits, as {@link enter} has it. */
  async during<T>(holdOpen: HoldOpen | undefined, wait: () => Promise<T>): Promise<T> {
    const leave = this.enter(holdOpen);
    try {
      return await wait();
    } finally {
      leave();
    }
  }
}
