import type { Timings } from "../broker/stage-timer.ts";
import type { PublishOutcome, PublishTimes } from "../connection/publish-times.ts";
import { Histogram } from "../histogram.ts";
import type { QoS } from "../mqtt/qos.ts";

/** Seconds: from a broker in the same rack to one behind a satellite, and to where callers give up. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Names as they are in problems and probes. */
const stageOf: Readonly<Record<keyof Timings, string>> = {
  dnsMs: "dns",
  tcpMs: "tcp",
  tlsMs: "tls",
  wsMs: "websocket",
  connackMs: "connack",
};

type Labelled = readonly [Histogram, ...string[]];

/** How long the stages of attempts that succeeded took. */
export class StageTimes {
  readonly #of: Readonly<Record<keyof Timings, Histogram>>;

  constructor(within: StageTimes | null = null) {
    const of = (name: keyof Timings) => new Histogram(bounds, within === null ? null : within.#of[name]);
    this.#of = {
      dnsMs: of("dnsMs"),
      tcpMs: of("tcpMs"),
      tlsMs: of("tlsMs"),
      wsMs: of("wsMs"),
      connackMs: of("connackMs"),
    };
  }

  observe(timings: Timings): void {
    for (const name of Object.keys(stageOf) as (keyof Timings)[]) {
      const ms = timings[name];
      if (ms !== null) this.#of[name].observe(ms / 1_000);
    }
  }

  *[Symbol.iterator](): Iterator<Labelled> {
    for (const [name, histogram] of Object.entries(this.#of))
      yield [histogram, stageOf[name as keyof Timings]];
  }
}

type Outcomes = Readonly<Record<PublishOutcome, Histogram>>;

/** How long publishes took, by QoS and by what became of them. */
export class PublishHistograms implements PublishTimes {
  readonly #of: readonly [Outcomes, Outcomes, Outcomes];

  constructor(within: PublishHistograms | null = null) {
    const of = (qos: QoS): Outcomes => {
      const whole = within === null ? null : within.#of[qos];
      return {
        sent: new Histogram(bounds, whole?.sent),
        acknowledged: new Histogram(bounds, whole?.acknowledged),
        refused: new Histogram(bounds, whole?.refused),
        lost: new Histogram(bounds, whole?.lost),
      };
    };
    this.#of = [of(0), of(1), of(2)];
  }

  observe(qos: QoS, outcome: PublishOutcome, ms: number): void {
    this.#of[qos][outcome].observe(ms / 1_000);
  }

  *[Symbol.iterator](): Iterator<Labelled> {
    for (const [qos, outcomes] of this.#of.entries())
      for (const [outcome, histogram] of Object.entries(outcomes)) yield [histogram, String(qos), outcome];
  }
}
