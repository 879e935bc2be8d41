export interface ReceiverOptions {
  /** What `Content-Length` has promised. */
  readonly announced: number | null;
  /** The reader has taken a piece of so many bytes. */
  readonly taken: (bytes: number) => void;
  /** The reader wants no more. */
  readonly cancelled: () => void;
  /** Nothing is kept any more. Called once. */
  readonly closed: () => void;
}

/** A body that comes in pieces, as the stream that somebody reads at their pace. */
export class Receiver {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: ReceiverOptions;
  readonly #pieces: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #wanted: (() => void) | null = null;
  #received = 0;
  #state: "open" | "ended" | "closed" = "open";

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () =>
          new Promise<void>((resolve) => {
            this.#wanted = resolve;
            this.#serve();
          }),
        cancel: () => {
          const wasOpen = this.#state === "open";
          this.#close();
          if (wasOpen) options.cancelled();
        },
      },
      { highWaterMark: 0 },
    );
  }

  push(piece: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#received += piece.length;
    this.#pieces.push(piece);
    this.#serve();
  }

  /** That was all of it; the reader is given what it has not taken yet. False where it is not what was promised. */
  end(): boolean {
    const { announced } = this.#options;
    if (announced !== null && announced !== this.#received) return false;
    this.stop();
    return true;
  }

  /** As {@link end}, whatever was promised. */
  stop(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#serve();
  }

  /** The reader gets the error at once, and not what came before: it is no good without the rest. */
  fail(error: Error): void {
    if (this.#state === "closed") return;
    this.#controller?.error(error);
    this.#close();
  }

  #serve(): void {
    const piece = this.#pieces[0];
    if (piece === undefined) {
      if (this.#state !== "ended") return;
      this.#controller?.close();
      this.#close();
      return;
    }
    if (this.#wanted === null) return;
    this.#pieces.shift();
    this.#controller?.enqueue(piece);
    this.#options.taken(piece.length);
    // Whoever has taken the last piece need not ask once more to learn that it was the last.
    if (this.#pieces.length === 0 && this.#state === "ended") this.#serve();
    const answer = this.#wanted;
    this.#wanted = null;
    answer?.();
  }

  #close(): void {
    this.#state = "closed";
    this.#pieces.length = 0;
    this.#wanted?.();
    this.#wanted = null;
    this.#options.closed();
  }
}
