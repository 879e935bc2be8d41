import type { Budget } from "../budget.ts";
import { timestamp, type Clock } from "../clock.ts";
import type { Entry } from "./log.ts";
import { Subscriber, type OpenStream, type SubscriberOptions } from "./subscriber.ts";
import { peerKey, type Peer } from "./vanished.ts";

export interface StreamLimits {
  readonly heartbeatMs: number;
  readonly writeTimeoutMs: number;
}

/** What is done to a stream from here. */
type Kept = Omit<OpenStream, "stream">;

/** Looking for vanished readers reads a line for each socket of the machine; not more often than this. */
const leastSweepMs = 1_000;

/** All open streams: one timer serves them all, and shutdown tells each. */
export class Streams {
  readonly #limits: StreamLimits;
  readonly #clock: Clock;
  readonly #findVanished: () => Promise<ReadonlySet<string>>;
  /** With the key of its reader's network address, where it is known. */
  readonly #open = new Map<Kept, string | null>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #sweepAt = 0;
  #stopping = false;

  constructor(limits: StreamLimits, clock: Clock, findVanished: () => Promise<ReadonlySet<string>>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#findVanished = findVanished;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a stream. `onEnd` hears when it is over.
   *
   * @throws {Problem} `limit-reached` when there are as many as `budget` has room for
   */
  open<E extends Entry, J extends Entry = Entry>(
    options: Omit<SubscriberOptions<E, J>, "writeTimeoutMs" | "clock" | "isStopping" | "onEnd">,
    peer: Peer | null,
    budget: Budget,
    onEnd: () => void,
  ): OpenStream {
    const full = budget.take();
    if (full !== null) throw full.problem("open streams", 5);
    const subscriber: OpenStream = new Subscriber({
      ...options,
      writeTimeoutMs: this.#limits.writeTimeoutMs,
      clock: this.#clock,
      isStopping: () => this.#stopping,
      onEnd: () => {
        remove();
        budget.give();
        onEnd();
      },
    });
    const remove = this.add(subscriber, peer);
    return subscriber;
  }

  /** Takes in a stream that was made elsewhere; what it returns is to be called when that has ended. */
  add(stream: Kept, peer: Peer | null): () => void {
    this.#open.set(stream, peer && peerKey(peer));
    // Four looks in each heartbeat keep a heartbeat at most a quarter late.
    this.#timer ??= setInterval(() => this.#tick(), this.#limits.heartbeatMs / 4);
    return () => {
      this.#open.delete(stream);
      if (this.#open.size === 0) this.#stop();
    };
  }

  /** From here on a stream whose log ends says `shutdown` first: the logs of connections end before this server does. */
  beginShutdown(): void {
    this.#stopping = true;
  }

  /** Tells every reader `shutdown`, and ends the streams. */
  shutdown(): void {
    for (const subscriber of [...this.#open.keys()])
      subscriber.close("shutdown", { at: timestamp(this.#clock.wall()) });
  }

  #tick(): void {
    // Timers are a little early now and then, which must not put a heartbeat off to the next look.
    for (const subscriber of [...this.#open.keys()]) subscriber.tick(this.#limits.heartbeatMs * 0.9);
    if (this.#clock.monotonic() >= this.#sweepAt) void this.#sweep();
  }

  /** Ends the streams of readers that are gone without a word. */
  async #sweep(): Promise<void> {
    this.#sweepAt = Infinity;
    const vanished = await this.#findVanished();
    for (const [subscriber, peer] of [...this.#open]) {
      if (peer !== null && vanished.has(peer)) subscriber.fail();
    }
    this.#sweepAt = this.#clock.monotonic() + leastSweepMs;
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
