import { Problem } from "./problem.ts";

/** HTTP calls that are held open while they wait; as many as `limit` at once. */
export class Waits {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws {Problem} `limit-reached` */
  async during<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#count >= this.#limit) {
      const limit = { name: "CONNACK_MAX_WAITS", value: this.#limit };
      throw new Problem("limit-reached", {
        detail: `This server holds ${this.#limit} waiting calls, which is as many as it may`,
        limit,
        retryAfterSeconds: 5,
      });
    }
    this.#count += 1;
    try {
      return await wait();
    } finally {
      this.#count -= 1;
    }
  }
}
