import type { KV } from "@nats-io/kv";
import type { LivenessTimes } from "./liveness.ts";
import { patiently } from "./patience.ts";

/** What a node says of itself with each beat. */
export interface NodeFacts {
  readonly node: string;
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Those that it owns. */
  readonly shards: readonly number[];
  /** Those that it could not open, and that others are to have; not there where there are none. */
  readonly declined?: readonly number[];
  /** That it holds. */
  readonly connections: number;
  /** Whether it is to be given a share: it has been there for a while, and is not about to go. */
  readonly isSettled: boolean;
  /** The ids of the keys that it opens secrets with, of which the first one seals; an older version does not say. */
  readonly keys?: readonly string[];
}

const retryMs = 200;
/** What changes at about the same time is told at once. */
const hurryMs = 20;

/**
 * A node's heartbeat: a record of its own that it replaces every second. It proves that the node can write where
 * everything is kept; when it has not been able to for too long, others may take over, and it must have let go by then.
 */
export class Heart implements Disposable {
  readonly #kv: KV;
  readonly #facts: () => NodeFacts;
  readonly #times: LivenessTimes;
  readonly #now: () => number;
  readonly #onLapse: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lapse: ReturnType<typeof setTimeout> | undefined;
  #renewedAt: number;
  #stopped = false;
  #isHurried = false;
  #beating: Promise<void> = Promise.resolve();

  /** `onLapse` is called each time when it could not renew in time; with it, what this node holds is not its own any more. */
  constructor(kv: KV, facts: () => NodeFacts, times: LivenessTimes, now: () => number, onLapse: () => void) {
    this.#kv = kv;
    this.#facts = facts;
    this.#times = times;
    this.#now = now;
    this.#onLapse = onLapse;
    this.#renewedAt = now();
  }

  /** When the last renewal that succeeded began. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /** Whether this node may act as an owner at this moment. */
  get isFresh(): boolean {
    return this.#now() - this.#renewedAt < this.#times.selfMs;
  }

  /** The first beat; rejects where it cannot be kept. */
  async begin(): Promise<void> {
    // What is kept there may have been made a moment ago, and have no leader yet.
    await patiently(() => this.#renew(), this.#now);
    this.#schedule(this.#times.beatMs);
  }

  /** Ends, and tells the others that it is not there any more. */
  async end(): Promise<void> {
    this[Symbol.dispose]();
    await this.#beating;
    await this.#kv.delete(this.#facts().node).catch(() => {
      // Its record goes by itself.
    });
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#lapse);
  }

  /** What it says has changed: it beats soon. */
  hurry(): void {
    if (this.#stopped || this.#isHurried) return;
    this.#isHurried = true;
    this.#schedule(hurryMs);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // One at a time; the next one is scheduled behind it.
      this.#beating = this.#beating.then(() => this.#beat());
    }, ms);
  }

  async #beat(): Promise<void> {
    let next = this.#times.beatMs;
    this.#isHurried = false;
    try {
      await this.#renew();
    } catch {
      next = retryMs;
    }
    if (!this.#stopped) this.#schedule(this.#isHurried ? hurryMs : next);
  }

  async #renew(): Promise<void> {
    const began = this.#now();
    const facts = this.#facts();
    await this.#kv.put(facts.node, JSON.stringify(facts));
    this.#renewedAt = began;
    clearTimeout(this.#lapse);
    if (this.#stopped) return;
    this.#lapse = setTimeout(() => this.#onLapse(), Math.max(0, began + this.#times.selfMs - this.#now()));
  }
}
