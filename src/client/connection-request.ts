import type { PayloadEncoding, QoS, UserProperties } from "./message.ts";

/** PEM texts, and how to check the broker's certificate. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly serverName?: string;
  readonly alpnProtocols?: readonly string[];
  /** `true` unless told. */
  readonly verify?: boolean;
}

/** CONNECT properties (MQTT 5 §3.1.2.11); `sessionExpiryInterval` in seconds. */
export interface ConnectProperties {
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly topicAliasMaximum?: number;
  readonly requestResponseInformation?: boolean;
  readonly requestProblemInformation?: boolean;
  readonly userProperties?: UserProperties;
  readonly authenticationMethod?: string;
  readonly authenticationData?: string | { readonly base64: string };
}

/** What the broker publishes when the connection is lost without DISCONNECT (MQTT 5 §3.1.2.5). */
export interface Will {
  readonly topic: string;
  readonly payload?: unknown;
  readonly payloadEncoding?: PayloadEncoding;
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: {
    readonly willDelayInterval?: number;
    readonly payloadFormatIndicator?: 0 | 1;
    readonly messageExpiryInterval?: number;
    readonly contentType?: string;
    readonly responseTopic?: string;
    readonly correlationData?: string | { readonly base64: string };
    readonly userProperties?: UserProperties;
  };
}

/** A subscription; all but `topicFilter` and `qos` exist only in MQTT 5. */
export interface SubscriptionRequest {
  readonly topicFilter: string;
  /** 0 unless told. */
  readonly qos?: QoS;
  readonly noLocal?: boolean;
  readonly retainAsPublished?: boolean;
  readonly retainHandling?: 0 | 1 | 2;
  readonly subscriptionIdentifier?: number;
  readonly userProperties?: UserProperties;
}

/** What to connect to, and how: the broker as `url`, or in parts. An unknown field is an error that names it. */
export interface ConnectionRequest {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; credentials in it are taken and never shown. */
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly transport?: "tcp" | "tls" | "ws" | "wss";
  readonly path?: string;
  /** `"5"` unless told; `"auto"` tries 5, then 3.1.1. */
  readonly protocolVersion?: "3.1" | "3.1.1" | "5" | "auto";
  /** One of Connack's own unless told; `""` asks the broker for one. */
  readonly clientId?: string;
  /** `true` unless told. */
  readonly cleanStart?: boolean;
  /** In seconds; 60 unless told, 0 turns it off. */
  readonly keepAlive?: number;
  readonly username?: string;
  readonly password?: string;
  readonly passwordEncoding?: "utf8" | "base64";
  readonly bindAddress?: string;
  readonly will?: Will;
  readonly properties?: ConnectProperties;
  readonly tls?: TlsOptions;
  readonly websocket?: { readonly headers?: Readonly<Record<string, string>>; readonly protocol?: string };
  /** Of one attempt, from DNS to CONNACK; 10,000 unless told. */
  readonly connectTimeoutMs?: number;
  readonly reconnect?: {
    readonly enabled?: boolean;
    readonly minDelayMs?: number;
    readonly maxDelayMs?: number;
    readonly maxAttempts?: number | null;
  };
  readonly subscriptions?: readonly SubscriptionRequest[];
  /** How much of what arrives is kept, and whether before the broker has its acknowledgement. */
  readonly log?: { readonly messages?: number; readonly bytes?: number; readonly durable?: boolean };
  /** Removes the connection when nobody has used it for so long; `null` unless told. */
  readonly idleTtlMs?: number | null;
  /** Whether it comes back after a restart; for PUT `true` unless told, for POST `false`. */
  readonly durable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}
