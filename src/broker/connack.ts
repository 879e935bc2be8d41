import type { ConnackProperties } from "../mqtt/properties.ts";

/** A CONNACK as it is shown (MQTT 5 §3.2); `reasonCode` is the return code before version 5. */
export interface Connack {
  readonly sessionPresent: boolean;
  readonly reasonCode: number;
  readonly properties: ConnackProperties;
}

type Kind = "number" | "boolean" | "string" | "object";

const kinds: Readonly<Record<string, Kind>> = {
  sessionExpiryInterval: "number",
  receiveMaximum: "number",
  maximumQoS: "number",
  retainAvailable: "boolean",
  maximumPacketSize: "number",
  assignedClientIdentifier: "string",
  topicAliasMaximum: "number",
  reasonString: "string",
  userProperties: "object",
  wildcardSubscriptionAvailable: "boolean",
  subscriptionIdentifiersAvailable: "boolean",
  sharedSubscriptionAvailable: "boolean",
  serverKeepAlive: "number",
  responseInformation: "string",
  serverReference: "string",
  authenticationMethod: "string",
};

/**
 * Takes over what the parser made of the properties, in plain objects; null when one is of another type than the
 * standard's: the parser makes an array of a property that came twice, which is a Protocol Error (§3.2.2.3).
 * Authentication data is left out: it is nobody's to see.
 */
export function readConnackProperties(
  parsed: Readonly<Record<string, unknown>> | undefined,
): ConnackProperties | null {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parsed ?? {})) {
    if (name === "authenticationData") continue;
    const kind = kinds[name];
    if (kind === undefined || typeof value !== kind || (Array.isArray(value) && kind !== "object"))
      return null;
    properties[name] = kind === "object" ? { ...(value as object) } : value;
  }
  if (properties["receiveMaximum"] === 0 || properties["maximumPacketSize"] === 0) return null;
  const qos = properties["maximumQoS"];
  return qos === undefined || qos === 0 || qos === 1 ? properties : null;
}
