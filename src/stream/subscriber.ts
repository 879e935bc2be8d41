import { timestamp, type Clock } from "../clock.ts";
import {
  controlFrame,
  heartbeatFrame,
  nextEntries,
  openingFrame,
  type FrameCache,
  type StreamFormat,
} from "./frame.ts";
import type { Entry, GapReason, OrderedLog, Position } from "./log.ts";
import type { WakeCause } from "./wake-ups.ts";

export interface SubscriberOptions<E extends Entry = Entry> {
  readonly log: OrderedLog<E>;
  readonly frames: FrameCache<E>;
  readonly format: StreamFormat;
  /** Read from here on. */
  readonly after: Position;
  /** Control frames that come before the first entry. */
  readonly first: readonly Uint8Array[];
  /** Which entries this reader wants; all, when absent. */
  readonly wants?: ((entry: E) => boolean) | undefined;
  readonly writeTimeoutMs: number;
  readonly clock: Clock;
  /** Whether the server is, so that a log that ends does because of it. */
  readonly isStopping: () => boolean;
  /** Called where the reader is told that it was too slow. */
  readonly onGap?: (reason: GapReason) => void;
  /** Called once, however the stream ends. */
  readonly onEnd: () => void;
}

/** One open stream, whatever it carries. */
export interface OpenStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Called now and then: sends a heartbeat when idle for `heartbeatMs`, and cuts off a reader that takes nothing. */
  tick(heartbeatMs: number): void;
  /** Says a last word, and ends the stream. */
  close(type: string, data: Readonly<Record<string, unknown>>): void;
  /** Cuts the stream off, for a reader that takes nothing or is gone. */
  fail(): void;
}

/** Entries that are looked through in one turn of the event loop for the first that is wanted. */
const mostLooked = 4_096;
/** In a burst a reader is given so much more than it has asked for, and a batch, rather than lose its place in the log. */
const aheadMaxBytes = 1_048_576;

/**
 * One reader of one log, as a stream that is driven by what the reader takes: it holds a position and little else, so
 * that a slow reader costs no memory. Past and present are read the same way, after the position, which leaves no seam
 * between replay and live. A reader whose position has left the log is told `gap`, and its stream ends.
 */
export class Subscriber<E extends Entry = Entry> implements OpenStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: SubscriberOptions<E>;
  readonly #unlisten: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #position: Position;
  #pulled: (() => void) | null = null;
  /** What was written since the last pull, which comes when all of it has been taken: never, from the start. */
  #aheadBytes = Infinity;
  #blockedSince: number | null = null;
  #lastWriteAt: number;
  /** The rest of a long look is for the next turn. */
  #looking: ReturnType<typeof setImmediate> | undefined;
  #ended = false;

  constructor(options: SubscriberOptions<E>) {
    this.#options = options;
    this.#position = options.after;
    this.#lastWriteAt = options.clock.monotonic();
    this.#unlisten = options.log.listen((cause) => this.#wake(cause));
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        // At once: one runtime sends the response's head only with the first bytes of the body.
        this.#write(Buffer.concat([openingFrame(options.format, this.#time()), ...options.first]));
      },
      pull: () =>
        new Promise<void>((resolve) => {
          this.#blockedSince = null;
          this.#aheadBytes = 0;
          this.#pulled = resolve;
          this.#pump();
        }),
      cancel: () => this.#end(),
    });
  }

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

  close(type: string, data: Readonly<Record<string, unknown>>): void {
    // What came in this turn comes before the last word.
    this.#runAhead();
    this.#lastWord(type, data);
  }

  fail(): void {
    if (this.#ended) return;
    // The runtimes print what is given here, one of them with lines of source; without, only the other does.
    this.#controller?.error(null);
    this.#end();
  }

  #wake(cause: WakeCause): void {
    if (cause === "burst") this.#runAhead();
    this.#pump();
  }

  /** Sends what the reader has room for. */
  #pump(): void {
    if (this.#ended || this.#pulled === null || this.#looking !== undefined) return;
    const next = this.#next();
    if (next === "gone") this.#gap();
    else if (next === "unfinished") this.#lookOn();
    else if (next !== "nothing") this.#send(next);
    else if (this.#options.log.closed) this.#farewell();
  }

  /** Sends what may have left the log before the reader has a chance to ask for it. What has left is told when it asks. */
  #runAhead(): void {
    while (!this.#ended && this.#aheadBytes < aheadMaxBytes) {
      const next = this.#next();
      if (typeof next === "string") return;
      this.#send(next);
    }
  }

  #lookOn(): void {
    this.#looking = setImmediate(() => {
      this.#looking = undefined;
      this.#pump();
    });
  }

  /** Moves on by one write. */
  #next(): Uint8Array | "nothing" | "gone" | "unfinished" {
    const { log, wants, frames, format } = this.#options;
    if (this.#position === log.tail) return "nothing";
    if (wants !== undefined) return this.#nextWanted(wants);
    const batch = frames.batchAfter(log, this.#position, format);
    if (batch === null) return "gone";
    this.#position = batch.through;
    return batch.bytes;
  }

  #nextWanted(wants: (entry: E) => boolean): Uint8Array | "nothing" | "gone" | "unfinished" {
    const { log, frames, format } = this.#options;
    for (let looked = 0; looked < mostLooked;) {
      const entries = nextEntries(log, this.#position);
      if (entries === null) return "gone";
      const last = entries.at(-1);
      if (last === undefined) return "nothing";
      this.#position = last.sequence;
      looked += entries.length;
      const wanted = entries
        .filter(wants)
        .map((entry) => frames.frame(entry, format, log.idOf(entry.sequence)));
      if (wanted.length > 0)
        return wanted.length === 1 && wanted[0] !== undefined ? wanted[0] : Buffer.concat(wanted);
    }
    return "unfinished";
  }

  /** The log has ended: nothing more will come. */
  #farewell(): void {
    if (this.#options.isStopping()) this.#lastWord("shutdown", { at: this.#time() });
    else this.#finish();
  }

  #lastWord(type: string, data: Readonly<Record<string, unknown>>): void {
    if (this.#ended) return;
    this.#write(controlFrame(this.#options.format, type, data));
    this.#finish();
  }

  #gap(): void {
    const { log, onGap } = this.#options;
    onGap?.("slow-consumer");
    const oldest = log.readAfter(log.beginning, 1)?.[0];
    this.#lastWord("gap", {
      requested: log.idOf(this.#position),
      oldest: oldest === undefined ? null : log.idOf(oldest.sequence),
      reason: "slow-consumer",
    });
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
    this.#aheadBytes += bytes.length;
    this.#controller?.enqueue(bytes);
  }

  #finish(): void {
    // The last write may have shown that the reader is gone: one runtime cancels before it returns.
    if (this.#ended) return;
    this.#controller?.close();
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unlisten();
    clearImmediate(this.#looking);
    this.#pulled?.();
    this.#pulled = null;
    this.#options.onEnd();
  }

  #time(): string {
    return timestamp(this.#options.clock.wall());
  }
}
