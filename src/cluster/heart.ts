import type { KV } from "@nats-io/kv";
import type { LivenessTimes } from "./liveness.ts";

/** What a node says of itself with each beat. */
export interface NodeFacts {
  readonly node: string;
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly role: "owner" | "standby";
}

const retryMs = 200;

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
    await this.#renew();
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

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat();
    }, ms);
  }

  async #beat(): Promise<void> {
    try {
      await this.#renew();
      if (!this.#stopped) this.#schedule(this.#times.beatMs);
    } catch {
      if (!this.#stopped) this.#schedule(retryMs);
    }
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
