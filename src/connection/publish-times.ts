import type { QoS } from "../mqtt/qos.ts";

/** What becomes of a publish that went out: at QoS 0 it is `sent`, and nothing more is known. */
export type PublishOutcome = "sent" | "acknowledged" | "refused" | "lost";

/** Hears how long publishes took, from the call until they were written (QoS 0), acknowledged, or lost with the session. */
export interface PublishTimes {
  observe(qos: QoS, outcome: PublishOutcome, ms: number): void;
}
