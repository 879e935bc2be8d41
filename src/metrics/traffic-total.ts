import type { Traffic } from "../broker/turnstile.ts";

const nothing: Traffic = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };

function sum(a: Traffic, b: Traffic): Traffic {
  return {
    messagesIn: a.messagesIn + b.messagesIn,
    messagesOut: a.messagesOut + b.messagesOut,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}

/** The traffic of many network connections: read off them when somebody asks, so that it costs nothing where it goes. */
export class TrafficTotal {
  readonly #live = new Set<Traffic>();
  readonly #within: TrafficTotal | null;
  /** Of those that have ended. */
  #gone = nothing;

  constructor(within: TrafficTotal | null = null) {
    this.#within = within;
  }

  enter(traffic: Traffic): void {
    this.#live.add(traffic);
    this.#within?.enter(traffic);
  }

  leave(traffic: Traffic): void {
    if (this.#live.delete(traffic)) this.#gone = sum(this.#gone, traffic);
    this.#within?.leave(traffic);
  }

  /** Never less than before. */
  read(): Traffic {
    let total = this.#gone;
    for (const traffic of this.#live) total = sum(total, traffic);
    return total;
  }
}
