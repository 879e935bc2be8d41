import { subscribeLength } from "../broker/subscribe.ts";
import type { Subscription } from "../mqtt/subscription.ts";

/** Filters in one SUBSCRIBE, and its bytes, at most: keeps the packet small, and the answers coming. */
const batchSize = 100;
const batchBytes = 65_536;

/** Those with the same options share a packet, as far as it goes; identifier and properties are the packet's own. */
export function batches(subscriptions: readonly Subscription[], maximumPacketSize: number): Subscription[][] {
  const done: Subscription[][] = [];
  const open = new Map<string, { batch: Subscription[]; bytes: number }>();
  // The length in front of the packet grows with it, by up to 3 bytes (§1.5.5).
  const mostBytes = Math.min(batchBytes, maximumPacketSize - 3);
  for (const subscription of subscriptions) {
    const { topicFilter, ...options } = subscription;
    const key = JSON.stringify(options);
    const bytes = Buffer.byteLength(topicFilter) + 3;
    const last = open.get(key);
    if (last !== undefined && last.batch.length < batchSize && last.bytes + bytes <= mostBytes) {
      last.batch.push(subscription);
      last.bytes += bytes;
    } else {
      const batch = [subscription];
      open.set(key, { batch, bytes: subscribeLength(subscription) });
      done.push(batch);
    }
  }
  return done;
}
