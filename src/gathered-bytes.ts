const nothing = Buffer.alloc(0);
const leastBytes = 256;

/**
 * Bytes that come in chunks, as one. They are copied together as they come: a list of chunks takes a hundred bytes for
 * each, and a caller may send a byte at a time.
 */
export class GatheredBytes {
  #room = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(leastBytes, 2 * this.#room.length, length));
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    this.#room.set(chunk, this.#length);
    this.#length = length;
  }

  /** All that has come; there is nothing afterwards. */
  take(): Buffer {
    const whole = this.#room.subarray(0, this.#length);
    this.#room = nothing;
    this.#length = 0;
    return whole;
  }
}
