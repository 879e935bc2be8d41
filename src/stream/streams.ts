import { timestamp, type Clock } from "../clock.ts";
import { Subscriber, type SubscriberOptions } from "./subscriber.ts";

export interface StreamLimits {
  readonly maxStreams: number;
  readonly heartbeatMs: number;
  readonly writeTimeoutMs: number;
}

/** All open streams: their number is bounded, one timer serves them all, and shutdown tells each. */
export class Streams {
  readonly #limits: StreamLimits;
  readonly #clock: Clock;
  readonly #open = new Set<Subscriber>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(limits: StreamLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a stream; null when there are as many as may be. `onEnd` hears when it is over. */
  open(
    options: Omit<SubscriberOptions, "writeTimeoutMs" | "clock" | "onEnd">,
    onEnd: () => void,
  ): Subscriber | null {
    if (this.#open.size >= this.#limits.maxStreams) return null;
    const subscriber: Subscriber = new Subscriber({
      ...options,
      writeTimeoutMs: this.#limits.writeTimeoutMs,
      clock: this.#clock,
      onEnd: () => {
        this.#open.delete(subscriber);
        if (this.#open.size === 0) this.#stop();
        onEnd();
      },
    });
    this.#open.add(subscriber);
    // Four looks in each heartbeat keep a heartbeat at most a quarter late.
    this.#timer ??= setInterval(() => this.#tick(), this.#limits.heartbeatMs / 4);
    return subscriber;
  }

  /** Tells every reader `shutdown`, and ends the streams. */
  shutdown(): void {
    for (const subscriber of [...this.#open])
      subscriber.close("shutdown", { at: timestamp(this.#clock.wall()) });
  }

  #tick(): void {
    for (const subscriber of [...this.#open]) subscriber.tick(this.#limits.heartbeatMs);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
