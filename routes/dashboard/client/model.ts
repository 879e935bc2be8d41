/**
 * What the page reads of the server's answers, for the scripts' type checks alone: it is not served. Nothing of it is
 * trusted to be more than text and numbers.
 */
export type { ClusterStanding, NodeStanding } from "../../../src/cluster-standing.ts";

export type State = "connecting" | "connected" | "waiting" | "failed" | "closing" | "closed";

export interface Failure {
  readonly title?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly code?: string;
  readonly reasonName?: string;
}

export interface Reason {
  readonly packet: string;
  readonly from: string;
  readonly code: number;
  readonly name: string;
  readonly text: string | null;
  readonly at: string;
}

export interface View {
  readonly id: string;
  readonly version: number;
  readonly state: State;
  readonly since: string;
  readonly lastReason: Reason | null;
  readonly lastError: (Failure & { readonly at: string }) | null;
  readonly clientId: string;
  readonly protocolVersion: string | null;
  readonly broker: { readonly url: string; readonly address: string | null };
  readonly connack: {
    readonly sessionPresent: boolean;
    readonly reasonCode: number;
    readonly properties: Readonly<Record<string, unknown>>;
  } | null;
  readonly negotiated: Readonly<Record<string, unknown>> | null;
  readonly liveness: { readonly lastPacketAt: string | null; readonly pingRttMs: number | null };
  readonly attempts: { readonly current: number; readonly total: number; readonly nextAt: string | null };
  readonly counters: Readonly<Record<string, number>>;
  readonly oldestUnacknowledgedAt: string | null;
  readonly timings: Readonly<Record<string, number | null>>;
  readonly request: { readonly labels: Readonly<Record<string, string>> };
}

export interface LifecycleEvent extends Failure {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly connection: string;
  readonly state: State;
  readonly version: number;
  readonly topicFilter?: string;
  readonly grantedQos?: number;
  readonly delayMs?: number;
  readonly nextAt?: string;
  readonly attempt?: number;
  readonly from?: string;
  readonly to?: string;
  readonly cause?: string;
}

export interface Message {
  readonly id: string;
  readonly at: string;
  readonly topic: string;
  readonly payload: string;
  readonly payloadEncoding: string;
  readonly qos: number;
  readonly retain: boolean;
}
