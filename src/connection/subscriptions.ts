import type { Client } from "../broker/client.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { reasonName } from "../mqtt/reason.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import { hasWildcard, isShared } from "../mqtt/topic.ts";
import { announce, type Announcement } from "./announcement.ts";

/** Filters in one SUBSCRIBE, and bytes of them, at most: keeps the packet small, and the answers coming. */
const batchSize = 100;
const batchBytes = 65_536;

/** What should be subscribed on a connection, and what the broker has granted in the present session. */
export class Subscriptions {
  readonly #wanted: readonly Subscription[];
  readonly #granted = new Set<Subscription>();

  constructor(wanted: readonly Subscription[]) {
    this.#wanted = wanted;
  }

  /**
   * Makes those subscriptions that the session does not have. They are made anew after each CONNACK without session
   * present (§3.2.2.1.1); on a session found present, only those that were never granted on it by us.
   */
  async restore(
    client: Client,
    link: { sessionPresent: boolean; negotiated: Negotiated; protocolVersion: ProtocolVersion },
    tell: (announcement: Announcement) => void,
  ): Promise<void> {
    if (!link.sessionPresent) this.#granted.clear();
    const missing = this.#wanted.filter((subscription) => !this.#granted.has(subscription));
    const possible = missing.filter((subscription) => {
      const code = unsupported(subscription, link.negotiated);
      if (code !== null) tell(refusal(subscription, code, null, "client", link.protocolVersion));
      return code === null;
    });
    for (const batch of batches(possible, link.negotiated.maximumPacketSize)) {
      const results = await client.subscribe(batch);
      if (results === null) return;
      for (const [index, subscription] of batch.entries()) {
        const result = results[index] ?? { reasonCode: 0x80, reasonString: null };
        if (result.reasonCode < 0x80) this.#granted.add(subscription);
        tell(outcome(subscription, result.reasonCode, result.reasonString, link.protocolVersion));
      }
    }
  }
}

/** Those with the same options share a packet, as far as it goes; identifier and properties are the packet's own. */
function batches(subscriptions: readonly Subscription[], maximumPacketSize: number): Subscription[][] {
  const done: Subscription[][] = [];
  const open = new Map<string, { batch: Subscription[]; bytes: number }>();
  const mostBytes = Math.min(batchBytes, maximumPacketSize - 64);
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
      open.set(key, { batch, bytes });
      done.push(batch);
    }
  }
  return done;
}

/** The reason code with which the broker would disconnect us if this were sent (§3.2.2.3.11 to 13). */
function unsupported(subscription: Subscription, negotiated: Negotiated): number | null {
  if (isShared(subscription.topicFilter) && !negotiated.sharedSubscriptionAvailable) return 0x9e;
  if (hasWildcard(subscription.topicFilter) && !negotiated.wildcardSubscriptionAvailable) return 0xa2;
  if (subscription.subscriptionIdentifier !== undefined && !negotiated.subscriptionIdentifiersAvailable)
    return 0xa1;
  return null;
}

function outcome(
  { topicFilter, qos }: Subscription,
  reasonCode: number,
  reasonString: string | null,
  version: ProtocolVersion,
): Announcement {
  if (reasonCode >= 0x80) return refusal({ topicFilter, qos }, reasonCode, reasonString, "broker", version);
  return announce("subscribed", {
    topicFilter,
    qos,
    grantedQos: reasonCode,
    reasonCode,
    reasonName: reasonName("suback", reasonCode, version),
  }).announcement;
}

function refusal(
  { topicFilter, qos }: Pick<Subscription, "topicFilter" | "qos">,
  reasonCode: number,
  reasonString: string | null,
  from: "broker" | "client",
  version: ProtocolVersion,
): Announcement {
  return announce("subscription-refused", {
    topicFilter,
    qos,
    from,
    reasonCode,
    reasonName: reasonName("suback", reasonCode, version),
    reasonString,
  }).announcement;
}
