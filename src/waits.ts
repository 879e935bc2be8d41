import { Problem } from "./problem.ts";

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

/** HTTP calls that are held open while they wait; as many as `limit` at once. */
export class Waits {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Begins a wait; the returned function ends it. `holdOpen` is undone then: else the limit would be gone for the idle
   * time between the requests of a network connection, too.
   *
   * @throws {Problem} `limit-reached`
   */
  enter(holdOpen: HoldOpen | undefined): () => void {
    if (this.#count >= this.#limit) {
      const limit = { name: "CONNACK_MAX_WAITS", value: this.#limit };
      throw new Problem("limit-reached", {
        detail: `This server holds ${this.#limit} waiting calls, which is as many as it may`,
        limit,
        retryAfterSeconds: 5,
      });
    }
    this.#count += 1;
    const release = holdOpen?.();
    return () => {
      this.#count -= 1;
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
