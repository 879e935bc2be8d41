import { z } from "zod";
import { binaryData, uint16, uint32, userProperties, utf8String } from "./fields.ts";

/** CONNECT properties (MQTT 5 §3.1.2.11); `sessionExpiryInterval` in seconds, `maximumPacketSize` in bytes. */
export const connectPropertiesSchema = z
  .strictObject({
    sessionExpiryInterval: uint32().optional(),
    receiveMaximum: uint16(1).optional(),
    maximumPacketSize: uint32(1).optional(),
    topicAliasMaximum: uint16().optional(),
    requestResponseInformation: z.boolean().optional(),
    requestProblemInformation: z.boolean().optional(),
    userProperties: userProperties.optional(),
    authenticationMethod: utf8String.optional(),
    authenticationData: binaryData.optional(),
  })
  .superRefine((properties, context) => {
    if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
      context.addIssue({
        code: "custom",
        path: ["authenticationData"],
        message: "needs authenticationMethod (MQTT 5 §3.1.2.11.10)",
      });
    }
  });

/** CONNACK properties as they are shown: the standard's names, only those that the broker sent (MQTT 5 §3.2.2.3). */
export type ConnackProperties = Readonly<Record<string, unknown>>;

/** What holds on a network connection after CONNECT and CONNACK: the broker's word, or the standard's default. */
export interface Negotiated {
  readonly keepAlive: number;
  readonly receiveMaximum: number;
  readonly maximumQoS: number;
  readonly retainAvailable: boolean;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  readonly subscriptionIdentifiersAvailable: boolean;
  readonly sessionExpiryInterval: number;
}

/** The largest packet that the protocol can carry, in bytes (§2.1.4: four length bytes). */
const largestPacket = 268_435_455;

/** Works out {@link Negotiated}. `requested` is what CONNECT said; a 3.x CONNACK has no properties. */
export function negotiate(
  requested: { readonly keepAlive: number; readonly sessionExpiryInterval: number },
  connack: ConnackProperties,
): Negotiated {
  const number = (name: string, fallback: number) => {
    const value = connack[name];
    return typeof value === "number" ? value : fallback;
  };
  const flag = (name: string) => connack[name] !== false;
  return {
    keepAlive: number("serverKeepAlive", requested.keepAlive),
    receiveMaximum: number("receiveMaximum", 65_535),
    maximumQoS: number("maximumQoS", 2),
    retainAvailable: flag("retainAvailable"),
    maximumPacketSize: number("maximumPacketSize", largestPacket),
    topicAliasMaximum: number("topicAliasMaximum", 0),
    wildcardSubscriptionAvailable: flag("wildcardSubscriptionAvailable"),
    sharedSubscriptionAvailable: flag("sharedSubscriptionAvailable"),
    subscriptionIdentifiersAvailable: flag("subscriptionIdentifiersAvailable"),
    sessionExpiryInterval: number("sessionExpiryInterval", requested.sessionExpiryInterval),
  };
}
