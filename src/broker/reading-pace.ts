import type { Duplex } from "node:stream";
import type { AttemptDeps } from "./attempt.ts";

export interface PaceOptions {
  readonly bytesPerSecond: number;
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number;
  readonly onPause: () => void;
}

/** No pause is longer, and none longer than this part of keepAlive: within one, an answer to PINGREQ is not read. */
const longestMs = 15_000;
const partOfKeepAlive = 0.25;
/** What was too much is not held against a broker for longer. */
const longestDebtSeconds = 10;

/**
 * Reads from a broker no faster than so many bytes a second, with a burst of one second: when more has come, reading
 * pauses, what is under way fills the buffers of the network, and then the broker has to wait. Nothing is dropped.
 */
export class ReadingPace {
  readonly #stream: Duplex;
  readonly #options: PaceOptions;
  #longestMs = longestMs;
  #room: number;
  #at: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether whoever reads would go on, were it not for this. */
  #isWanted = false;

  constructor(stream: Duplex, options: PaceOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#room = options.bytesPerSecond;
    this.#at = options.now();
    stream.on("data", (bytes: Buffer) => this.#took(bytes.length));
    stream.on("resume", () => this.#keepPaused());
    stream.once("close", () => clearTimeout(this.#timer));
  }

  /** In seconds, as negotiated; 0 where there is none. */
  set keepAlive(seconds: number) {
    this.#longestMs = seconds === 0 ? longestMs : Math.min(longestMs, seconds * 1_000 * partOfKeepAlive);
  }

  #took(bytes: number): void {
    const { bytesPerSecond, now } = this.#options;
    const at = now();
    const filled = this.#room + ((at - this.#at) / 1_000) * bytesPerSecond;
    this.#at = at;
    this.#room = Math.max(-longestDebtSeconds * bytesPerSecond, Math.min(bytesPerSecond, filled) - bytes);
    if (this.#room >= 0 || this.#timer !== undefined) return;
    const pauseMs = Math.min(this.#longestMs, (-this.#room / bytesPerSecond) * 1_000);
    this.#timer = setTimeout(() => this.#goOn(), pauseMs);
    this.#options.onPause();
    // When the reader has had these bytes, too, so that it shows whether it wants more, if it has not said so meanwhile.
    process.nextTick(() => {
      this.#isWanted ||= !this.#stream.isPaused();
      this.#stream.pause();
    });
  }

  /** The reader has room again, and would go on. */
  #keepPaused(): void {
    if (this.#timer === undefined) return;
    this.#isWanted = true;
    this.#stream.pause();
  }

  /** A reader that has no room itself goes on by itself. */
  #goOn(): void {
    this.#timer = undefined;
    if (this.#isWanted) this.#stream.resume();
    this.#isWanted = false;
  }
}

/** Null where there is no bound. */
export function paceReading(
  stream: Duplex,
  deps: Pick<AttemptDeps, "maxInboundBytesPerSecond" | "now" | "turnstile">,
): ReadingPace | null {
  const { maxInboundBytesPerSecond: bytesPerSecond = 0, now, turnstile } = deps;
  if (bytesPerSecond === 0) return null;
  const onPause = () => turnstile?.refused("CONNACK_MAX_INBOUND_BYTES_PER_SECOND");
  return new ReadingPace(stream, { bytesPerSecond, now, onPause });
}
