import { timestamp, type Clock } from "../clock.ts";
import { controlFrame, heartbeatFrame, openingFrame, type FrameCache, type StreamFormat } from "./frame.ts";
import type { Entry, OrderedLog, Position } from "./log.ts";

export interface SubscriberOptions {
  readonly log: OrderedLog;
  readonly frames: FrameCache;
  readonly format: StreamFormat;
  /** Read from here on. */
  readonly after: Position;
  /** Control frames that come before the first entry. */
  readonly first: readonly Uint8Array[];
  /** Which entries this reader wants; all, when absent. */
  readonly wants?: ((entry: Entry) => boolean) | undefined;
  readonly writeTimeoutMs: number;
  readonly clock: Clock;
  /** Called once, however the stream ends. */
  readonly onEnd: () => void;
}

/** Entries in one write, at most. */
const batchEntries = 64;

/**
 * One reader of one log, as a stream that is driven by what the reader takes: it holds a position and nothing else, so
 * that a slow reader costs no memory. Past and present are read the same way, after the position, which leaves no seam
 * between replay and live. A reader whose position has left the log is told `gap`, and its stream ends.
 */
export class Subscriber {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: SubscriberOptions;
  readonly #unlisten: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #position: Position;
  #pulled: (() => void) | null = null;
  #blockedSince: number | null = null;
  #lastWriteAt: number;
  #ended = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#position = options.after;
    this.#lastWriteAt = options.clock.monotonic();
    this.#unlisten = options.log.listen(() => this.#pump());
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        // At once: one runtime sends the response's head only with the first bytes of the body.
        this.#write(openingFrame(options.format, this.#time()), ...options.first);
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

  /** Called now and then: sends a heartbeat when idle for `heartbeatMs`, and cuts off a reader that takes nothing. */
  tick(heartbeatMs: number): void {
    const now = this.#options.clock.monotonic();
    if (this.#blockedSince !== null && now - this.#blockedSince >= this.#options.writeTimeoutMs) {
      this.fail();
    } else if (this.#pulled !== null && now - this.#lastWriteAt >= heartbeatMs) {
      const filtered = this.#options.wants !== undefined;
      this.#send(
        heartbeatFrame(
          this.#options.format,
          this.#time(),
          filtered ? this.#options.log.idOf(this.#position) : null,
        ),
      );
    }
  }

  /** Says a last word, and ends the stream. */
  close(type: string, data: Readonly<Record<string, unknown>>): void {
    if (this.#ended) return;
    this.#write(controlFrame(this.#options.format, type, data));
    this.#finish();
  }

  /** Cuts the stream off, for a reader that takes nothing or is gone. */
  fail(): void {
    if (this.#ended) return;
    // The runtimes print what is given here, one of them with lines of source; without, only the other does.
    this.#controller?.error(null);
    this.#end();
  }

  /** Sends what the reader has room for. */
  #pump(): void {
    if (this.#ended || this.#pulled === null) return;
    const { log, wants, frames, format } = this.#options;
    for (;;) {
      const entries = log.readAfter(this.#position, batchEntries);
      if (entries === null) return this.#gap();
      const last = entries.at(-1);
      if (last === undefined) {
        if (log.closed) this.#finish();
        return;
      }
      this.#position = last.sequence;
      const wanted = wants === undefined ? entries : entries.filter(wants);
      if (wanted.length > 0)
        return this.#send(...wanted.map((entry) => frames.frame(entry, format, log.idOf(entry.sequence))));
    }
  }

  #gap(): void {
    const { log } = this.#options;
    const oldest = log.readAfter(log.beginning, 1)?.[0];
    this.close("gap", {
      requested: log.idOf(this.#position),
      oldest: oldest === undefined ? null : log.idOf(oldest.sequence),
      reason: "slow-consumer",
    });
  }

  /** Answers the pending pull. */
  #send(...chunks: readonly Uint8Array[]): void {
    const answer = this.#pulled;
    this.#pulled = null;
    this.#write(...chunks);
    answer?.();
  }

  #write(...chunks: readonly Uint8Array[]): void {
    const now = this.#options.clock.monotonic();
    this.#lastWriteAt = now;
    this.#blockedSince ??= now;
    this.#controller?.enqueue(
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
    );
  }

  #finish(): void {
    this.#controller?.close();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unlisten();
    this.#pulled?.();
    this.#pulled = null;
    this.#options.onEnd();
  }

  #time(): string {
    return timestamp(this.#options.clock.wall());
  }
}
