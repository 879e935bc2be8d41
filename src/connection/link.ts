import type { Client } from "../broker/client.ts";
import type { Negotiated } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";

/** A network connection on which messages may go: its client, and what CONNACK settled. */
export interface Link {
  readonly client: Client;
  readonly sessionPresent: boolean;
  readonly negotiated: Negotiated;
  readonly protocolVersion: ProtocolVersion;
  /** A prefix for response topics, where the broker gave one (MQTT 5 §3.2.2.3.15). */
  readonly responseInformation: string | null;
}
