import type { MqttReason, ProblemBody } from "./problem.ts";

export type State = "connecting" | "connected" | "waiting" | "failed" | "closing" | "closed";

/** The state as switches. */
export interface Flags {
  readonly connected: boolean;
  /** The last attempt ended in a way that is not tried again. */
  readonly badConnection: boolean;
  readonly sessionPresent: boolean;
  readonly reconnecting: boolean;
  readonly disconnecting: boolean;
}

/** The last reason code of a CONNACK or DISCONNECT, and who sent it. */
export interface LastReason {
  readonly packet: string;
  readonly from: "broker" | "client";
  readonly code: number;
  readonly name: string;
  readonly text: string | null;
  readonly protocolVersion: string;
  readonly at: string;
}

export interface LastError {
  readonly stage: string;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly hint: string;
  readonly cause?: string;
  readonly httpStatus?: number;
  readonly reasonCode?: number;
  readonly reasonName?: string;
  readonly mqtt?: MqttReason;
  readonly at: string;
}

/** The CONNACK (MQTT 5 §3.2), with those properties that the broker sent. */
export interface Connack {
  readonly sessionPresent: boolean;
  readonly reasonCode: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What holds on the network connection: the broker's word, or the standard's default. */
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

/** A connection as the server shows it. Times are RFC 3339. */
export interface Connection {
  readonly id: string;
  /** Grows with every change of the state; for `since`. */
  readonly version: number;
  readonly state: State;
  readonly since: string;
  readonly flags: Flags;
  readonly lastReasonCode: number | null;
  readonly lastReason: LastReason | null;
  readonly lastError: LastError | null;
  readonly clientId: string;
  readonly protocolVersion: "3.1" | "3.1.1" | "5" | null;
  readonly broker: { readonly url: string; readonly address: string | null };
  readonly connack: Connack | null;
  readonly negotiated: Negotiated | null;
  readonly liveness: {
    readonly lastPacketAt: string | null;
    readonly pingRttMs: number | null;
    readonly pingAt: string | null;
  };
  readonly attempts: { readonly current: number; readonly total: number; readonly nextAt: string | null };
  readonly counters: {
    readonly connects: number;
    readonly disconnects: number;
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly inflight: number;
    readonly lateResponses: number;
    readonly queued: number;
  };
  /** Since when the oldest publish that the broker has not acknowledged waits, one in the outbox too. */
  readonly oldestUnacknowledgedAt: string | null;
  /** Of the last attempt's stages; null where there was none. */
  readonly timings: Readonly<Record<"dnsMs" | "tcpMs" | "tlsMs" | "wsMs" | "connackMs", number | null>>;
  /** As it holds now; `true` stands for a secret. */
  readonly request: Readonly<Record<string, unknown>> & { readonly url: string };
  readonly createdAt: string;
  readonly connectedAt: string | null;
  readonly expiresAt: string | null;
  readonly links: Readonly<Record<string, string>>;
}

/** The last view, and how the end went. */
export interface ClosedConnection extends Connection {
  /** Whether all was acknowledged before the end. */
  readonly drained: boolean;
  readonly unacknowledged: number;
}

/** How far a connect attempt came. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly stages: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly ms: number;
    readonly detail: string;
  }[];
  readonly connack?: Connack;
  readonly protocolVersion?: string;
  readonly clientId?: string;
  readonly address?: string | null;
  readonly certificateEndsAt?: string;
  readonly problem?: ProblemBody;
}
