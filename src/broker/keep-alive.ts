/** What {@link KeepAlive} needs of the network connection. */
export interface KeepAliveLink {
  sendPingRequest(): void;
  /** When the last byte from the broker arrived, by the clock that {@link KeepAlive} has. */
  readonly lastReceivedAt: number;
}

/** How a PINGREQ ended: the round trip in milliseconds, or null when nothing came in time. */
type Settle = (rttMs: number | null) => void;

/** Parts of keepAlive: from one PINGREQ to the next, and from a PINGREQ to the verdict. Together less than 1.5. */
const askAfter = 0.85;
const answerWithin = 0.5;

/**
 * Keeps one network connection alive and notices when it is dead: PINGREQ every 0.85 × keepAlive, and dead when nothing
 * at all has arrived 0.5 × keepAlive after one. A broker that falls silent is thus noticed within 1.35 × keepAlive of
 * its last packet, whatever we send meanwhile (MQTT 5 §3.1.2.10 has the broker wait 1.5 ×).
 */
export class KeepAlive {
  readonly #link: KeepAliveLink;
  readonly #keepAliveMs: number;
  readonly #now: () => number;
  readonly #onDead: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pending: { readonly sentAt: number; readonly settle: Set<Settle>; late: boolean } | null = null;
  #last: { readonly rttMs: number; readonly at: number } | null = null;

  /** `keepAlive` in seconds; 0 sends no pings of its own (§3.1.2.10). `now` is a monotonic clock in milliseconds. */
  constructor(keepAlive: number, link: KeepAliveLink, now: () => number, onDead: () => void) {
    this.#keepAliveMs = keepAlive * 1_000;
    this.#link = link;
    this.#now = now;
    this.#onDead = onDead;
    this.#schedule(askAfter * this.#keepAliveMs);
  }

  /** The last round trip, and when it ended. */
  get last(): { readonly rttMs: number; readonly at: number } | null {
    return this.#last;
  }

  /**
   * Measures a round trip, or joins the one under way; null when the network connection ends first, `"late"` when no
   * PINGRESP came within `timeoutMs`. The next call then asks again: the answer may have been lost.
   */
  ping(timeoutMs: number): Promise<number | "late" | null> {
    return new Promise((resolve) => {
      if (this.#pending === null || this.#pending.late) this.#send();
      const pending = this.#pending;
      const settle: Settle = (rttMs) => {
        clearTimeout(timer);
        resolve(rttMs);
      };
      const timer = setTimeout(() => {
        if (pending !== null) pending.late = true;
        pending?.settle.delete(settle);
        resolve("late");
      }, timeoutMs);
      pending?.settle.add(settle);
    });
  }

  /** A PINGRESP arrived: nothing is left to be seen to before the next PINGREQ. */
  pong(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    const at = this.#now();
    this.#last = { rttMs: at - pending.sentAt, at };
    clearTimeout(this.#timer);
    this.#schedule(Math.max(0, pending.sentAt + askAfter * this.#keepAliveMs - at));
    for (const settle of pending.settle) settle(this.#last.rttMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = null;
    pending?.settle.forEach((settle) => settle(null));
  }

  #send(): void {
    // Who waits for an answer that was late goes on waiting, for this one.
    this.#pending = { sentAt: this.#now(), settle: this.#pending?.settle ?? new Set(), late: false };
    this.#link.sendPingRequest();
  }

  /** The next PINGREQ, after so long. */
  #schedule(delayMs: number): void {
    if (this.#keepAliveMs === 0) return;
    this.#timer = setTimeout(() => {
      const askedAt = this.#now();
      if (this.#pending === null) this.#send();
      else this.#link.sendPingRequest();
      this.#timer = setTimeout(() => this.#expectAnswer(askedAt), this.#keepAliveMs * answerWithin);
    }, delayMs);
  }

  /** Waits for one more turn of the event loop: when this process was busy, the answer may be there but unread. */
  #expectAnswer(askedAt: number): void {
    this.#timer = setTimeout(() => {
      if (this.#link.lastReceivedAt >= askedAt) this.#schedule((askAfter - answerWithin) * this.#keepAliveMs);
      else this.#onDead();
    }, 0);
  }
}
