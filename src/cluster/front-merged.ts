import { timestamp, type Clock } from "../clock.ts";
import { controlFrame, heartbeatFrame, type StreamFormat } from "../stream/frame.ts";
import type { OpenStream } from "../stream/subscriber.ts";
import { betweenText, dataOf, eventText, type Frame } from "./front-frames.ts";
import type { Part } from "./front-part.ts";
import type { Vector } from "./front-vector.ts";

export interface MergedOptions {
  readonly format: StreamFormat;
  /** Where the reader begins; moved on with what it is given. */
  readonly vector: Vector;
  /** Comes before the first event. */
  readonly first: Uint8Array;
  readonly writeTimeoutMs: number;
  readonly clock: Clock;
  /** Called once, however the stream ends. */
  readonly onEnd: () => void;
}

interface Delivery {
  readonly part: Part;
  readonly frames: readonly Frame[];
  readonly taken: () => void;
}

/**
 * The stream of all cells, driven by what its reader takes: of each part there is at most one piece, which waits for its
 * turn, and a part whose piece waits is not read on. What a cell has in order comes in that order.
 */
export class MergedStream implements OpenStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: MergedOptions;
  readonly #deliveries: Delivery[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #pulled: (() => void) | null = null;
  #blockedSince: number | null = null;
  #lastWriteAt: number;
  /** The vector says more than the last id that the reader was given. */
  #hasMoved = false;
  #ended = false;

  constructor(options: MergedOptions) {
    this.#options = options;
    this.#lastWriteAt = options.clock.monotonic();
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        this.#write(options.first);
      },
      pull: () =>
        new Promise<void>((resolve) => {
          this.#blockedSince = null;
          this.#pulled = resolve;
          this.#pump();
        }),
      cancel: () => this.#end(),
    });
  }

  /** Resolves when the reader has been given them, or is gone. */
  deliver(part: Part, frames: readonly Frame[]): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((taken) => {
      this.#deliveries.push({ part, frames, taken });
      this.#pump();
    });
  }

  tick(heartbeatMs: number): void {
    const { clock, writeTimeoutMs, format, vector } = this.#options;
    const now = clock.monotonic();
    if (this.#blockedSince !== null && now - this.#blockedSince >= writeTimeoutMs) this.fail();
    else if (this.#pulled !== null && now - this.#lastWriteAt >= heartbeatMs) {
      const id = this.#hasMoved ? vector.text() : null;
      this.#hasMoved = false;
      this.#send(heartbeatFrame(format, this.#time(), id));
    }
  }

  close(type: string, data: Readonly<Record<string, unknown>>): void {
    if (this.#ended) return;
    this.#write(controlFrame(this.#options.format, type, data));
    // The last write may have shown that the reader is gone.
    if (this.#ended) return;
    this.#controller?.close();
    this.#end();
  }

  fail(): void {
    if (this.#ended) return;
    this.#controller?.error(null);
    this.#end();
  }

  /** Gives the reader the piece that has waited longest. */
  #pump(): void {
    while (!this.#ended && this.#pulled !== null) {
      const delivery = this.#deliveries.shift();
      if (delivery === undefined) return;
      try {
        this.#give(delivery);
      } catch {
        // What a cell sends is no stream of ours. Whoever asks for more must not be left without an answer.
        this.fail();
      }
      delivery.taken();
    }
  }

  #give({ part, frames }: Delivery): void {
    const { format, vector } = this.#options;
    let text = "";
    const flush = () => {
      if (text !== "") this.#send(Buffer.from(text, "latin1"));
      text = "";
    };
    for (const frame of frames) {
      if (frame.kind === "event") {
        vector.set(part.cell, frame.id);
        text += eventText(frame, format, vector.text());
        this.#hasMoved = false;
      } else if (frame.kind === "between") text += betweenText(frame, format);
      else if (frame.kind === "idle") this.#lookedThrough(part, frame.id);
      else if (frame.type === "gap" || frame.type === "unauthorized") {
        flush();
        this.#control(part, frame);
      }
      if (this.#ended) return;
    }
    flush();
  }

  #lookedThrough({ cell }: Part, id: string | null): void {
    const { vector } = this.#options;
    if (id === null || vector.idOf(cell) === id) return;
    vector.set(cell, id);
    this.#hasMoved = true;
  }

  /** A part's `snapshot` was told of in that of all, and after its `shutdown` it is opened again, wherever it is then. */
  #control(part: Part, frame: Frame & { kind: "control" }): void {
    const { format, vector } = this.#options;
    if (frame.type === "unauthorized") return this.close("unauthorized", { at: this.#time() });
    const data = dataOf(frame);
    // Of the messages that come in between: its ids are theirs, and it ends the stream.
    if ("messages" in data) return this.close("gap", data);
    const { oldest, reason } = data;
    const gap = {
      requested: vector.text(),
      oldest: typeof oldest === "string" ? vector.with(part.cell, oldest).text() : null,
      reason,
    };
    // Its reader is the slow one, and comes again.
    if (reason === "slow-consumer") return this.close("gap", gap);
    vector.set(part.cell, part.startId);
    this.#hasMoved = true;
    this.#send(controlFrame(format, "gap", gap));
  }

  /** Answers the pending pull, if there is one. */
  #send(bytes: Uint8Array): void {
    const answer = this.#pulled;
    this.#pulled = null;
    this.#write(bytes);
    answer?.();
  }

  #write(bytes: Uint8Array): void {
    const now = this.#options.clock.monotonic();
    this.#lastWriteAt = now;
    this.#blockedSince ??= now;
    if (!this.#ended) this.#controller?.enqueue(bytes);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pulled?.();
    this.#pulled = null;
    for (const { taken } of this.#deliveries.splice(0)) taken();
    this.#options.onEnd();
  }

  #time(): string {
    return timestamp(this.#options.clock.wall());
  }
}
