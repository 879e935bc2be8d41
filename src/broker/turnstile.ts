import type { Failure } from "./failure.ts";
import type { Timings } from "./stage-timer.ts";

/** What has gone over one network connection so far. */
export interface Traffic {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What all attempts pass: it lets only so many through, and counts. */
export interface Turnstile {
  /** Why an attempt is not made; null where it is. Those that it is not asked about are made. */
  admit(): Failure | null;
  /** An attempt has come to its end, one way or the other. */
  connected(timings: Timings): void;
  failed(failure: Failure): void;
  /** A network connection that was open has been lost. */
  lost(failure: Failure): void;
  /** An open network connection, whose traffic counts from here on. */
  enter(traffic: Traffic): void;
  /** It has ended; what has gone over it stays counted. */
  leave(traffic: Traffic): void;
  /** A broker went over the bound that this setting, as in `CONNACK_MAX_PACKET_BYTES`, names. */
  refused(setting: string): void;
}
