import { Breaks } from "../src/breaks.ts";
import type { Clock } from "../src/clock.ts";
import { acknowledgementTimeout } from "../src/connection/publish-problems.ts";
import type { Publisher, Submission } from "../src/connection/publisher.ts";
import { Lines, type Line } from "../src/lines.ts";
import type { PublishMessage } from "../src/mqtt/message.ts";
import { Problem } from "../src/problem.ts";
import { readJson, withoutByteOrderMark } from "./middleware/json-text.ts";
import { reportOf, type Outcome } from "./publish-answer.ts";
import { readMessage, type MessageRules } from "./publish-message.ts";
import { Reports } from "./publish-reports.ts";

export interface PublishLinesOptions {
  /** Null is empty. */
  readonly body: ReadableStream<Uint8Array> | null;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** How long each message waits for its acknowledgement. */
  readonly waitMs: number;
  readonly maxLineBytes: number;
  readonly rules: MessageRules;
  readonly writeTimeoutMs: number;
  /** How long nothing may come while it is waited for. */
  readonly idleTimeoutMs: number;
}

/** A line whose message has been submitted, until its report and those of all before it are written. */
interface Waiting {
  readonly line: number;
  readonly bytes: number;
  readonly expiresAt: number;
  submission: Submission | null;
  report: string | null;
}

type Read = { readonly done: boolean; readonly value?: Uint8Array | undefined };

const noBody = { read: async (): Promise<Read> => ({ done: true }), cancel: async () => {} };

const mostLines = 1_024;
const mostBytes = 4_194_304;

/**
 * Publishes a message a line while lines come, and reports on each in their order. Lines are read only for so long as
 * there are not too many without an outcome, and the caller reads its reports.
 */
export class PublishLines {
  readonly #options: PublishLinesOptions;
  readonly #reader: { read(): Promise<Read>; cancel(): Promise<void> };
  readonly #lines: Lines;
  readonly #reports: Reports;
  readonly #ended = Promise.withResolvers<void>();
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #resume: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** When it has been waited for lines long enough. */
  #idleAt = Infinity;
  /** Why no further message is published, which is what the lines that are left are told. */
  #stopped: Problem | null = null;
  #inputEnded = false;
  #over = false;

  constructor(options: PublishLinesOptions) {
    this.#options = options;
    this.#lines = new Lines(options.maxLineBytes);
    this.#reader = options.body?.getReader() ?? noBody;
    const { clock, writeTimeoutMs } = options;
    this.#reports = new Reports({
      clock,
      writeTimeoutMs,
      onChunk: () => this.#wake(),
      onEnd: (gone) => this.#end(gone),
    });
  }

  /** The reports. */
  get stream(): ReadableStream<Uint8Array> {
    return this.#reports.stream;
  }

  /** Runs until every line has its report, or the caller has gone. */
  async run(): Promise<void> {
    const breaks = new Breaks();
    while (!this.#over && !this.#inputEnded && this.#stopped === null) {
      await this.#turn();
      await breaks.take();
    }
    // What has come whole and is not submitted.
    this.#takeLines(true);
    this.#inputEnded = true;
    this.#endWhenReported();
    this.#arm();
    await this.#ended.promise;
    this.#abandonInput();
  }

  /** Publishes nothing more: lines that are left are told `problem`, and the stream ends when all have their report. */
  stop(problem: Problem): void {
    if (this.#inputEnded) return;
    this.#stopped ??= problem;
    this.#abandonInput();
    this.#wake();
  }

  /** Ends without further reports. */
  cut(): void {
    this.#reports.fail();
  }

  async #turn(): Promise<void> {
    const usedUp = this.#takeLines(false);
    this.#reports.flush();
    this.#arm();
    if (!this.#hasRoom(1)) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      return;
    }
    // The flush may just have made the room.
    if (!usedUp) return;
    const { clock, idleTimeoutMs } = this.#options;
    this.#idleAt = clock.monotonic() + idleTimeoutMs;
    this.#arm();
    const read = await this.#reader.read().catch(() => null);
    this.#idleAt = Infinity;
    // The request has broken off; when it was stopped, because of that.
    if (read === null && this.#stopped === null) this.cut();
    if (read?.value !== undefined) this.#lines.push(read.value);
    if (read?.done !== true || this.#stopped !== null) return;
    this.#lines.end();
    this.#takeLines(true);
    this.#inputEnded = true;
  }

  /** `share` of what may be without an outcome is free. */
  #hasRoom(share: number): boolean {
    return (
      this.#waiting.length < mostLines * share && this.#bytes < mostBytes * share && this.#reports.hasRoom
    );
  }

  /** Takes what has come, for which there is room, or `all` of it; true when nothing is left. */
  #takeLines(all: boolean): boolean {
    for (;;) {
      if (this.#over || (!all && !this.#hasRoom(1))) return false;
      const line = this.#lines.next();
      if (line === null) return true;
      this.#take(line);
    }
  }

  #take(line: Line): void {
    const { publisher, clock, waitMs } = this.#options;
    const message = this.#stopped ?? this.#messageOf(line);
    const waiting: Waiting = {
      line: line.number,
      bytes: "bytes" in line ? line.bytes : 0,
      expiresAt: clock.monotonic() + waitMs,
      submission: null,
      report: null,
    };
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes;
    if (message instanceof Problem) this.#settle(waiting, message);
    else waiting.submission = publisher.submit(message, (outcome) => this.#settle(waiting, outcome));
  }

  #messageOf(line: Line): PublishMessage | Problem {
    if ("wrong" in line) {
      if (line.wrong === "not-utf8") return new Problem("malformed-request", "The line is not valid UTF-8");
      const { maxLineBytes } = this.#options;
      return new Problem("content-too-large", {
        detail: `The line is longer than ${maxLineBytes} bytes`,
        limit: { name: "CONNACK_MAX_BODY_BYTES", value: maxLineBytes },
      });
    }
    const read = readJson(line.number === 1 ? withoutByteOrderMark(line.text) : line.text, "line");
    return read.ok ? readMessage(read.value, this.#options.rules) : read.problem;
  }

  #settle(waiting: Waiting, outcome: Outcome): void {
    waiting.report = reportOf(waiting.line, outcome);
    if (this.#waiting[0] === waiting) this.#report();
  }

  /** Writes the reports that no earlier line holds up. */
  #report(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.report === null) break;
      this.#reports.write(first.report);
      this.#bytes -= first.bytes;
      this.#waiting.shift();
    }
    if (this.#inputEnded) this.#endWhenReported();
    else this.#wake();
  }

  #endWhenReported(): void {
    if (this.#waiting.length === 0) this.#reports.end();
  }

  /** Goes on taking lines, when half of the room is free again: not for each line that has its outcome. */
  #wake(): void {
    this.#arm();
    if (this.#resume === null || !(this.#over || this.#stopped !== null || this.#hasRoom(0.5))) return;
    this.#resume();
    this.#resume = null;
  }

  /** The one timer: for the oldest line without an outcome, a reader who takes nothing, and a writer who sends nothing. */
  #arm(): void {
    const first = this.#waiting[0]?.expiresAt ?? Infinity;
    const at = Math.min(first, this.#reports.cutOffAt ?? Infinity, this.#idleAt);
    if (at >= this.#timerAt || this.#over) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, at - this.#options.clock.monotonic()));
  }

  #expire(): void {
    this.#timerAt = Infinity;
    const { clock, waitMs } = this.#options;
    const now = clock.monotonic();
    if ((this.#reports.cutOffAt ?? Infinity) <= now) return this.#reports.fail();
    if (this.#idleAt <= now) this.stop(this.#idleTooLong());
    for (const waiting of this.#waiting) {
      if (waiting.expiresAt > now) break;
      if (waiting.report !== null || waiting.submission === null) continue;
      waiting.report = reportOf(waiting.line, acknowledgementTimeout(waiting.submission.cancel(), waitMs));
    }
    this.#report();
    this.#arm();
  }

  /** For a line that was begun. */
  #idleTooLong(): Problem {
    const limit = { name: "CONNACK_PUBLISH_IDLE_TIMEOUT_MS", value: this.#options.idleTimeoutMs };
    return new Problem("request-timeout", { detail: `Nothing came for ${limit.value} ms`, limit });
  }

  /** All is reported, or the caller has gone: then what was not sent is not sent any more. */
  #end(gone: boolean): void {
    this.#over = true;
    clearTimeout(this.#timer);
    if (gone) for (const { submission, report } of this.#waiting) if (report === null) submission?.cancel();
    this.#waiting.length = 0;
    this.#ended.resolve();
    this.#abandonInput();
    this.#wake();
  }

  #abandonInput(): void {
    // It may have broken off, which is as good.
    this.#reader.cancel().catch(() => {});
  }
}
