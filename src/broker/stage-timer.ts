import type { Stage } from "./failure.ts";

/** Milliseconds that each stage took; null for one that was not needed or not reached. */
export interface Timings {
  readonly dnsMs: number | null;
  readonly tcpMs: number | null;
  readonly tlsMs: number | null;
  readonly wsMs: number | null;
  readonly connackMs: number | null;
}

export const noTimings: Timings = { dnsMs: null, tcpMs: null, tlsMs: null, wsMs: null, connackMs: null };

const timingNames: Partial<Record<Stage, keyof Timings>> = {
  dns: "dnsMs",
  tcp: "tcpMs",
  tls: "tlsMs",
  websocket: "wsMs",
  connack: "connackMs",
};

/** Knows at which stage an attempt is, and how long the ones before took. */
export class StageTimer {
  readonly #now: () => number;
  readonly #timings: Record<keyof Timings, number | null> = { ...noTimings };
  #stage: Stage = "dns";
  #since: number;

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  get stage(): Stage {
    return this.#stage;
  }

  get timings(): Timings {
    return this.#timings;
  }

  enter(stage: Stage): void {
    this.mark();
    this.#stage = stage;
  }

  /** The stage under way has come to its end. */
  mark(): void {
    const at = this.#now();
    const name = timingNames[this.#stage];
    if (name !== undefined) this.#timings[name] = at - this.#since;
    this.#since = at;
  }
}
