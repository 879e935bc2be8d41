import type { Client } from "../broker/client.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { State } from "./state.ts";

/** A network connection on which messages may go: its client, and what CONNACK settled. */
export interface Link {
  readonly client: Client;
  readonly sessionPresent: boolean;
  readonly negotiated: Negotiated;
  readonly protocolVersion: ProtocolVersion;
  /** A prefix for response topics, where the broker gave one (MQTT 5 §3.2.2.3.15). */
  readonly responseInformation: string | null;
}

export function linkOf(
  client: Client,
  { established, negotiated }: Extract<State, { name: "connected" }>,
  { cleanStart }: { readonly cleanStart: boolean },
): Link {
  const { connack, protocolVersion } = established;
  const given = connack.properties["responseInformation"];
  return {
    client,
    negotiated,
    // Nothing of ours is in a session that began clean, whatever the broker says (MQTT-3.2.2-2).
    sessionPresent: connack.sessionPresent && !cleanStart,
    protocolVersion,
    responseInformation: typeof given === "string" ? given : null,
  };
}
