const mostInARow = 128;

/**
 * Lets everybody else have a turn now and then. What has come is given without a turn of the event loop in between: a
 * reader of many small chunks that are there already would go on, and nobody else be served, until it has had them all.
 */
export class Breaks {
  #inARow = 0;

  /** To be awaited after each step; it rarely takes a turn. */
  take(): Promise<void> | undefined {
    this.#inARow += 1;
    if (this.#inARow < mostInARow) return undefined;
    this.#inARow = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
