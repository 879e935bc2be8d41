import { Problem } from "./problem.ts";

/** HTTP calls that are held open while they wait; as many as `limit` at once. */
export class Waits {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * `holdOpen` lifts the runtime's limit on how long a response may be silent, and returns what sets it again: else it
   * would be gone for the idle time between the requests of a network connection, too.
   *
   * @throws {Problem} `limit-reached`
   */
  async during<T>(holdOpen: (() => () => void) | undefined, wait: () => Promise<T>): Promise<T> {
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
    try {
      return await wait();
    } finally {
      this.#count -= 1;
      release?.();
    }
  }
}
