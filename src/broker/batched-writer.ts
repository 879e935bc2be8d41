import type { Writable } from "node:stream";

/** Bytes that are not held back for the end of the turn. */
const mostHeld = 65_536;

/**
 * Writes to a stream so that what is written in one turn of the event loop goes out together: many callers come in one
 * turn, and a system call for each would cost more than all the rest. What others write to the stream keeps its place.
 */
export class BatchedWriter {
  readonly #stream: Writable;
  #turn: ReturnType<typeof setImmediate> | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    if (this.#turn === undefined) {
      this.#stream.cork();
      this.#turn = setImmediate(() => this.flush());
    }
    this.#stream.write(bytes);
    if (this.#stream.writableLength >= mostHeld) this.flush();
  }

  /** Lets go what is held back. */
  flush(): void {
    if (this.#turn === undefined) return;
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#stream.uncork();
  }
}
