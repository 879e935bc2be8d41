import type { SubscribeResult } from "../broker/client-event.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import { reasonName } from "../mqtt/reason.ts";
import type { Subscription } from "../mqtt/subscription.ts";
import { announce, type Announcement } from "./announcement.ts";

type Asked = Pick<Subscription, "topicFilter" | "qos">;

export function subscribed(
  { topicFilter, qos }: Asked,
  { reasonCode }: SubscribeResult,
  version: ProtocolVersion,
): Announcement {
  return announce("subscribed", {
    topicFilter,
    qos,
    grantedQos: reasonCode,
    reasonCode,
    reasonName: reasonName("suback", reasonCode, version),
  }).announcement;
}

export function unsubscribed(
  topicFilter: string,
  { reasonCode }: SubscribeResult,
  version: ProtocolVersion,
): Announcement {
  return announce("unsubscribed", {
    topicFilter,
    reasonCode,
    reasonName: reasonName("unsuback", reasonCode, version),
  }).announcement;
}

/** `from` tells whether the broker refused, or it was not asked because it announced that it would. */
export function refused(
  { topicFilter, qos }: Asked,
  { reasonCode, reasonString }: SubscribeResult,
  from: "broker" | "client",
  version: ProtocolVersion,
): Announcement {
  return announce("subscription-refused", {
    topicFilter,
    qos,
    from,
    reasonCode,
    reasonName: reasonName(from === "broker" ? "suback" : "disconnect", reasonCode, version),
    reasonString,
  }).announcement;
}
