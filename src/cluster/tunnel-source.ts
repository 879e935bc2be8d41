/** What of a stream's reader is used; the runtimes' types differ in the rest. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

const nothing = new Uint8Array(0);

/** A body that is read by us, a chunk at a time, no sooner than the one before has been sent. */
export class Source {
  readonly #reader: Reader;
  /** A read that has not been answered. */
  #pending: ReturnType<Reader["read"]> | null = null;
  /** What was read, and has not been given out. */
  #rest: Uint8Array = nothing;
  #ended = false;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /**
   * What is there within a turn of the event loop, and whether that is all: most bodies are there whole, and a message less
   * is half of the time that a call takes; a stream may have its first bytes an hour later. At most `limit` bytes, and where
   * it is not all, at most `limitOfPart`.
   */
  async begin(
    limit: number,
    limitOfPart: number,
  ): Promise<{ readonly first: Uint8Array; readonly isWhole: boolean }> {
    const turn = new Promise<null>((resolve) => {
      setImmediate(() => resolve(null));
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    while (size <= limit) {
      const result = await Promise.race([this.#read(), turn]);
      if (result === null) break;
      this.#pending = null;
      if (result.done) {
        this.#ended = true;
        break;
      }
      if (result.value === undefined) continue;
      chunks.push(result.value);
      size += result.value.length;
    }
    const all = chunks.length === 1 ? (chunks[0] ?? nothing) : Buffer.concat(chunks);
    const isWhole = this.#ended && size <= limit;
    const firstBytes = isWhole ? size : limitOfPart;
    this.#rest = all.subarray(firstBytes);
    return { first: all.subarray(0, firstBytes), isWhole };
  }

  /** The next bytes, at least one; null at the end. */
  async next(): Promise<Uint8Array | null> {
    const rest = this.#rest;
    this.#rest = nothing;
    if (rest.length > 0) return rest;
    while (!this.#ended) {
      const { done, value } = await this.#read();
      this.#pending = null;
      this.#ended = done;
      if (value !== undefined && value.length > 0) return value;
    }
    return null;
  }

  /** Nobody wants the rest. */
  cancel(reason: unknown): void {
    this.#ended = true;
    this.#rest = nothing;
    this.#reader.cancel(reason).catch(() => {});
  }

  #read(): ReturnType<Reader["read"]> {
    if (this.#pending === null) {
      this.#pending = this.#reader.read();
      // It may break off while nobody waits for it; whoever does next is told.
      this.#pending.catch(() => {});
    }
    return this.#pending;
  }
}
