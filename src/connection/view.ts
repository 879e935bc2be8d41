import { timestamp } from "../clock.ts";
import type { Timings } from "../broker/stage-timer.ts";
import { failureFields } from "./announcement.ts";
import type { Machine, StateName } from "./state.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { displayUrl } from "../request/target.ts";

export interface Flags {
  readonly connected: boolean;
  readonly badConnection: boolean;
  readonly sessionPresent: boolean;
  readonly reconnecting: boolean;
  readonly disconnecting: boolean;
}

/** Figures that change with traffic, and are not part of the version. */
export interface Traffic {
  readonly lastPacketAt: number | null;
  readonly ping: { readonly rttMs: number; readonly at: number } | null;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly inflight: number;
  readonly lateResponses: number;
  /** Messages in the outbox whose fate is open. */
  readonly queued: number;
  /** Since when the oldest of our messages that the broker has not acknowledged waits, those in the outbox too. */
  readonly oldestUnacknowledgedAt: number | null;
}

export interface ViewSource {
  readonly id: string;
  readonly machine: Machine;
  readonly request: ConnectionRequest;
  readonly clientId: string;
  readonly traffic: Traffic;
  readonly timings: Timings;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

export function flagsOf({ state, connects, attempts }: Machine): Flags {
  return {
    connected: state.name === "connected",
    badConnection: state.name === "failed",
    sessionPresent: state.name === "connected" && state.established.connack.sessionPresent,
    reconnecting: state.name === "waiting" || (state.name === "connecting" && (connects > 0 || attempts > 1)),
    disconnecting: state.name === "closing",
  };
}

const optionalTime = (at: number | null | undefined) =>
  at === null || at === undefined ? null : timestamp(at);

/** What a caller sees of a connection. Nothing in it is secret. */
export function viewOf(source: ViewSource) {
  const { id, machine, request, traffic } = source;
  const { state, established, lastReason, lastError } = machine;
  const connack = state.name === "connected" ? state.established.connack : null;
  return {
    id,
    version: machine.version,
    state: state.name satisfies StateName,
    since: timestamp(state.since),
    flags: flagsOf(machine),
    lastReasonCode: lastReason?.code ?? null,
    lastReason: lastReason && { ...lastReason, at: timestamp(lastReason.at) },
    lastError: lastError && errorView(lastError),
    clientId: source.clientId,
    protocolVersion:
      established?.protocolVersion ?? (request.protocolVersion === "auto" ? null : request.protocolVersion),
    broker: { url: displayUrl(request.target), address: established?.address ?? null },
    connack,
    negotiated: state.name === "connected" ? state.negotiated : null,
    liveness: {
      lastPacketAt: optionalTime(traffic.lastPacketAt),
      pingRttMs: traffic.ping === null ? null : roundMs(traffic.ping.rttMs),
      pingAt: optionalTime(traffic.ping?.at),
    },
    attempts: {
      current: currentAttempts(machine),
      total: machine.attempts,
      nextAt: state.name === "waiting" ? timestamp(state.until) : null,
    },
    counters: {
      connects: machine.connects,
      disconnects: machine.disconnects,
      messagesIn: traffic.messagesIn,
      messagesOut: traffic.messagesOut,
      bytesIn: traffic.bytesIn,
      bytesOut: traffic.bytesOut,
      inflight: traffic.inflight,
      lateResponses: traffic.lateResponses,
      queued: traffic.queued,
    },
    oldestUnacknowledgedAt: optionalTime(traffic.oldestUnacknowledgedAt),
    timings: Object.fromEntries(
      Object.entries(source.timings).map(([name, ms]) => [name, ms === null ? null : roundMs(ms)]),
    ),
    request: requestView(request),
    createdAt: timestamp(source.createdAt),
    connectedAt: optionalTime(machine.connectedAt),
    expiresAt: optionalTime(source.expiresAt),
    links: {
      self: `/connections/${id}`,
      events: `/connections/${id}/events`,
      publish: `/connections/${id}/publish`,
      subscriptions: `/connections/${id}/subscriptions`,
      messages: `/connections/${id}/messages`,
      request: `/connections/${id}/request`,
      retained: `/connections/${id}/retained`,
      outbox: `/connections/${id}/outbox`,
    },
  };
}

export type ConnectionView = ReturnType<typeof viewOf>;

function currentAttempts({ state, failedInARow }: Machine): number {
  return failedInARow + (state.name === "connecting" ? 1 : 0);
}

function errorView({ failure, at }: NonNullable<Machine["lastError"]>) {
  return { ...failureFields(failure), at: timestamp(at) };
}

/** Microseconds are as fine as these figures mean anything. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** The request as it holds now: `true` stands for a secret that was given. */
function requestView(request: ConnectionRequest): Record<string, unknown> {
  const { target, username, password, tls, websocket, will, properties, ...rest } = request;
  return {
    url: displayUrl(target),
    ...rest,
    ...(username === undefined ? {} : { username: true }),
    ...(password === undefined ? {} : { password: true }),
    ...(will === undefined
      ? {}
      : {
          will: {
            ...will,
            payload: Buffer.from(will.payload).toString("base64"),
            payloadEncoding: "base64",
            ...(will.properties === undefined ? {} : { properties: plain(will.properties) }),
          },
        }),
    ...(properties === undefined
      ? {}
      : {
          properties: {
            ...plain(properties),
            ...(properties.authenticationData === undefined ? {} : { authenticationData: true }),
          },
        }),
    ...(tls === undefined ? {} : { tls: { ...plain(tls), ...(tls.key === undefined ? {} : { key: true }) } }),
    ...(websocket === undefined
      ? {}
      : {
          websocket: {
            protocol: websocket.protocol,
            headers: Object.fromEntries(Object.keys(websocket.headers).map((name) => [name, true])),
          },
        }),
  };
}

/** Bytes as `{base64}`, the form in which a request gives them. */
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value,
    ]),
  );
}
