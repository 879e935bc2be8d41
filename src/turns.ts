/** Runs calls with the same name one after another; those with other names do not wait. */
export class Turns {
  /** The last call of each name, as long as it is under way. */
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(name: string, call: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const turn = before.then(call, call);
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}
