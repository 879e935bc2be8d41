import type { Problem } from "../problem.ts";
import { PublishHistograms, StageTimes } from "./times.ts";
import { Tally } from "./tally.ts";
import { TrafficTotal } from "./traffic-total.ts";

const classes = ["", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** What has happened, of one tenant or in all. */
export class Counters {
  /** Answers by the class of their status. */
  readonly requests: Tally;
  /** Answers that tell of a problem, by its code. */
  readonly problems: Tally;
  /** Refusals by a bound of one connection or of one call, by the setting. */
  readonly refusals: Tally;
  /** Attempts to connect by what they came to: `connected`, or the code of the failure. */
  readonly attempts: Tally;
  readonly traffic: TrafficTotal;
  /** CONNACKs that refused, and DISCONNECTs of brokers, by the name of the reason code. */
  readonly refusedConnacks: Tally;
  readonly disconnects: Tally;
  /** What readers were told that they miss, by the reason. */
  readonly gaps: Tally;
  readonly stages: StageTimes;
  readonly publishes: PublishHistograms;

  /** Everything counts in `within`, too. */
  constructor(within: Counters | null = null) {
    this.requests = new Tally(within?.requests);
    this.problems = new Tally(within?.problems);
    this.refusals = new Tally(within?.refusals);
    this.attempts = new Tally(within?.attempts);
    this.traffic = new TrafficTotal(within?.traffic);
    this.refusedConnacks = new Tally(within?.refusedConnacks);
    this.disconnects = new Tally(within?.disconnects);
    this.gaps = new Tally(within?.gaps);
    this.stages = new StageTimes(within?.stages);
    this.publishes = new PublishHistograms(within?.publishes);
  }

  answered(status: number): void {
    this.requests.add(classes[Math.floor(status / 100)] ?? "5xx");
  }

  refused({ code, details }: Problem): void {
    this.problems.add(code);
    // A limit of the broker's has a name of the broker's.
    if (details.limit?.name.startsWith("CONNACK_") === true) this.refusals.add(details.limit.name);
  }
}
