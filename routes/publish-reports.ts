import type { Clock } from "../src/clock.ts";

export interface ReportsOptions {
  readonly clock: Clock;
  /** How long the reader may leave what is written untaken. */
  readonly writeTimeoutMs: number;
  /** A chunk has been given to the reader, which makes room and begins the time that it has. */
  readonly onChunk: () => void;
  /** The stream is over: the reader has all, or has gone. */
  readonly onEnd: (gone: boolean) => void;
}

/** Characters that may wait for the reader; reports are short, so that this is some thousand of them. */
const roomFor = 65_536;

/** Text that is written bit by bit, as a stream that gives at most one chunk for each turn of the event loop. */
export class Reports {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: ReportsOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #text = "";
  #pulled: (() => void) | null = null;
  #blockedSince: number | null = null;
  #scheduled = false;
  #ending = false;
  #over = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () =>
        new Promise<void>((resolve) => {
          this.#blockedSince = null;
          this.#pulled = resolve;
          this.flush();
        }),
      cancel: () => this.#end(true),
    });
  }

  get hasRoom(): boolean {
    return this.#text.length < roomFor;
  }

  /** When the reader is cut off unless it takes something before; null when it has taken all. */
  get cutOffAt(): number | null {
    return this.#blockedSince === null ? null : this.#blockedSince + this.#options.writeTimeoutMs;
  }

  /** Never does anything with the stream itself: whoever has an outcome is not bothered with its reader. */
  write(text: string): void {
    this.#text += text;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not a microtask: outcomes that come in one packet from the broker are told in several.
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Gives the reader what there is, if it has room. */
  flush(): void {
    if (this.#over || this.#pulled === null) return;
    if (this.#text !== "") {
      const answer = this.#pulled;
      const chunk = Buffer.from(this.#text, "utf8");
      this.#text = "";
      this.#pulled = null;
      this.#blockedSince = this.#options.clock.monotonic();
      this.#controller?.enqueue(chunk);
      answer();
      this.#options.onChunk();
      // One runtime finds out within enqueue() that the reader has gone, and cancels.
      if (this.#isOver()) return;
    }
    if (this.#ending && this.#text === "") {
      this.#controller?.close();
      this.#end(false);
    }
  }

  /** Ends the stream when the reader has taken all. */
  end(): void {
    this.#ending = true;
    this.#schedule();
  }

  #isOver(): boolean {
    return this.#over;
  }

  /** Cuts the stream off. */
  fail(): void {
    if (this.#over) return;
    // The runtimes print what is given here, one of them with lines of source; without, only the other does.
    this.#controller?.error(null);
    this.#end(true);
  }

  #end(gone: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#blockedSince = null;
    this.#text = "";
    this.#pulled?.();
    this.#pulled = null;
    this.#options.onEnd(gone);
  }
}
