import type { SubscribeResult } from "../broker/client-event.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import type { Link } from "./link.ts";

/** A subscription that somebody wants. */
export interface Wanted {
  readonly subscription: Subscription;
  /** A resource of its own; the others are there as long as a call holds them. */
  readonly kept: boolean;
  /** Calls that read by it. */
  readonly holders: number;
  /** What the broker answered on the present session; null while it has not, or may have forgotten. */
  readonly result: SubscribeResult | null;
}

/** Also when the broker refused it; what nobody wants stays noted until the broker is known not to have it. */
export function isWanted({ kept, holders }: Wanted): boolean {
  return kept || holders > 0;
}

/** As it stands, but for the retained messages: these come. */
export function withRetained(subscription: Subscription, { protocolVersion }: Link): Subscription {
  return protocolVersion === "5" ? { ...subscription, retainHandling: 0 } : subscription;
}

export function isGranted(result: SubscribeResult | null): boolean {
  return result !== null && result.reasonCode < 0x80;
}
