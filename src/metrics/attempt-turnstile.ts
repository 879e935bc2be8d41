import type { Failure } from "../broker/failure.ts";
import type { Timings } from "../broker/stage-timer.ts";
import type { Traffic, Turnstile } from "../broker/turnstile.ts";
import type { Rate } from "../rate.ts";
import type { Counters } from "./counters.ts";

/** Lets the attempts of one tenant through as its rate has it, and counts them. */
export class AttemptTurnstile implements Turnstile {
  readonly #rate: Rate;
  readonly #counters: Counters;
  readonly #hold: () => Failure | null;

  /** `hold` says why none is made at present, whatever the rate; null where nothing is in the way. */
  constructor(rate: Rate, counters: Counters, hold: () => Failure | null = () => null) {
    this.#rate = rate;
    this.#counters = counters;
    this.#hold = hold;
  }

  admit(): Failure | null {
    const held = this.#hold();
    if (held !== null) return held;
    const full = this.#rate.take();
    if (full === null) return null;
    const hint = "It is made later where it is retried. The operator of this server can raise the limit.";
    return { stage: "policy", code: "attempts-limited", retryable: true, hint, ...full.refusal };
  }

  connected(timings: Timings): void {
    this.#counters.attempts.add("connected");
    this.#counters.stages.observe(timings);
  }

  failed({ code, mqtt }: Failure): void {
    this.#counters.attempts.add(code);
    if (mqtt?.packet === "connack") this.#counters.refusedConnacks.add(mqtt.reasonName);
  }

  lost({ mqtt }: Failure): void {
    if (mqtt?.packet === "disconnect") this.#counters.disconnects.add(mqtt.reasonName);
  }

  enter(traffic: Traffic): void {
    this.#counters.traffic.enter(traffic);
  }

  leave(traffic: Traffic): void {
    this.#counters.traffic.leave(traffic);
  }

  refused(setting: string): void {
    this.#counters.refusals.add(setting);
  }
}
