import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { Connack } from "./connack.ts";
import type { Failure, Stage } from "./failure.ts";

/** What CONNACK success settled. */
export interface Established {
  readonly connack: Connack;
  readonly protocolVersion: ProtocolVersion;
  readonly clientId: string;
  readonly address: string;
}

/** A DISCONNECT of our own that a broken protocol made necessary. */
export interface SentDisconnect {
  readonly reasonCode: number;
}

/**
 * What an attempt tells its owner: `stage` as it goes on, then either `failed`, or `connected` followed by `ready` and
 * in the end by `lost`. Nothing comes after `failed` or `lost`. `fallback`: the broker would not have the first version
 * of `auto`, and the stages begin again with the second.
 */
export type AttemptEvent =
  | { readonly type: "stage"; readonly stage: Stage }
  | { readonly type: "fallback"; readonly failure: Failure }
  | { readonly type: "failed"; readonly failure: Failure }
  | { readonly type: "connected"; readonly established: Established }
  | { readonly type: "ready" }
  | { readonly type: "lost"; readonly failure: Failure; readonly sent: SentDisconnect | null };
