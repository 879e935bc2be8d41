import { timestamp, type Clock } from "../clock.ts";
import { Cursor, type Next, type Source } from "./cursor.ts";
import { controlFrame, heartbeatFrame, openingFrame, type StreamFormat } from "./frame.ts";
import type { Entry, GapReason } from "./log.ts";
import type { WakeCause } from "./wake-ups.ts";

/** A second log whose entries come in between. It may end before the stream does. */
export interface Joined<E extends Entry = Entry> extends Source<E> {
  /** Put into its `gap`, so that a reader knows what has a gap. */
  readonly named: Readonly<Record<string, string>>;
}

/** What a stream is of; its ids are those of this log. */
export interface SubscriberOptions<E extends Entry = Entry, J extends Entry = Entry> extends Source<E> {
  readonly format: StreamFormat;
  /** Control frames that come before the first entry. */
  readonly first: readonly Uint8Array[];
  readonly joined?: Joined<J> | undefined;
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

/** In a burst a reader is given so much more than it has asked for, and a batch, rather than lose its place in the log. */
const aheadMaxBytes = 1_048_576;

/**
 * One reader of one log, or of two in turn, as a stream that is driven by what the reader takes: it holds positions and little else, so
 * that a slow reader costs no memory. Past and present are read the same way, after the position, which leaves no seam
 * between replay and live. A reader whose position has left the log is told `gap`, and its stream ends.
 */
export class Subscriber<E extends Entry = Entry, J extends Entry = Entry> implements OpenStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: SubscriberOptions<E, J>;
  readonly #cursor: Cursor<E>;
  readonly #joined: Cursor<J> | null;
  readonly #unlisten: readonly (() => void)[];
  /** So that neither log keeps the other from coming through. */
  #joinedIsNext = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #pulled: (() => void) | null = null;
  /** What was written since the last pull, which comes when all of it has been taken: never, from the start. */
  #aheadBytes = Infinity;
  #blockedSince: number | null = null;
  #lastWriteAt: number;
  /** The rest of a long look is for the next turn. */
  #looking: ReturnType<typeof setImmediate> | undefined;
  #ended = false;

  constructor(options: SubscriberOptions<E, J>) {
    const { format, joined } = options;
    this.#options = options;
    this.#cursor = new Cursor<E>(options, format);
    this.#joined = joined === undefined ? null : new Cursor<J>(joined, format);
    this.#lastWriteAt = options.clock.monotonic();
    const wake = (cause: WakeCause) => this.#wake(cause);
    this.#unlisten = [options.log.listen(wake), ...(joined === undefined ? [] : [joined.log.listen(wake)])];
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
      this.#send(heartbeatFrame(this.#options.format, this.#time(), filtered ? this.#cursor.id : null));
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
    if (next === "gone") this.#gap(this.#cursor, {});
    else if (next === "joined-gone") this.#joinedGap();
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

  /** Moves on by one write, in one log or the other. */
  #next(): Next | "joined-gone" {
    if (this.#joined === null) return this.#cursor.next();
    const isJoinedFirst = this.#joinedIsNext;
    const first = isJoinedFirst ? this.#nextJoined(this.#joined) : this.#cursor.next();
    if (first !== "nothing" && first !== "unfinished") {
      this.#joinedIsNext = !isJoinedFirst;
      return first;
    }
    const second = isJoinedFirst ? this.#cursor.next() : this.#nextJoined(this.#joined);
    return second === "nothing" ? first : second;
  }

  #nextJoined(cursor: Cursor<J>): Next | "joined-gone" {
    const next = cursor.next();
    return next === "gone" ? "joined-gone" : next;
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

  #joinedGap(): void {
    const { joined } = this.#options;
    if (this.#joined !== null && joined !== undefined) this.#gap(this.#joined, joined.named);
  }

  #gap({ id, oldestId }: Cursor<E> | Cursor<J>, named: Readonly<Record<string, string>>): void {
    this.#options.onGap?.("slow-consumer");
    this.#lastWord("gap", { ...named, requested: id, oldest: oldestId, reason: "slow-consumer" });
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
    for (const unlisten of this.#unlisten) unlisten();
    clearImmediate(this.#looking);
    this.#pulled?.();
    this.#pulled = null;
    this.#options.onEnd();
  }

  #time(): string {
    return timestamp(this.#options.clock.wall());
  }
}
