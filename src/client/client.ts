import type { ConnackEvent } from "./event.ts";
import { Connections } from "./connections.ts";
import { events, type EventsOptions } from "./events.ts";
import { Http, type CallOptions, type Fetch } from "./http.ts";
import type { Persistence } from "./live-stream.ts";
import { Messages } from "./messages.ts";
import { Publishing } from "./publishing.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Webhooks } from "./webhooks.ts";

// This file is what `connack/client` gives; inside of the project, whoever needs one of these imports it from its file.
export type {
  ClosedConnection,
  Connack,
  Connection,
  Flags,
  LastError,
  LastReason,
  Negotiated,
  ProbeResult,
  State,
} from "./connection.ts";
export type { ConnectionRequest, SubscriptionRequest, TlsOptions, Will } from "./connection-request.ts";
export type {
  ConnackEvent,
  EndingEvent,
  GapEvent,
  LifecycleEvent,
  LifecycleType,
  MessageEvent,
  SnapshotEvent,
} from "./event.ts";
export type { Message, MessageProperties, Payload, QoS, ReceivedMessage } from "./message.ts";
export { payloadBytes, payloadJson } from "./message.ts";
export type { MessagePage } from "./messages.ts";
export { ConnackProblem, ConnackUnreachable } from "./problem.ts";
export type { MqttReason, ProblemBody, ProblemFieldError } from "./problem.ts";
export type {
  Acknowledgement,
  OutboxEntry,
  OutgoingMessage,
  Published,
  PublishResult,
} from "./publishing.ts";
export type { Subscription } from "./subscriptions.ts";
export type { Webhook, WebhookPatch, WebhookRequest } from "./webhooks.ts";

export interface ClientOptions {
  /** Of the server, as `http://127.0.0.1:8080`; with a path, where a proxy gives it one. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** The runtime's unless told. */
  readonly fetch?: Fetch;
  /** A stream without a byte for so long is taken for lost; 45,000 unless told. The server's heartbeat comes every 15 s. */
  readonly streamSilenceMs?: number;
}

export type Client = ReturnType<typeof createClient>;

/**
 * The calls of a Connack server. They throw `ConnackProblem` where the server says no, `ConnackUnreachable` where no
 * answer comes, and what `signal` was aborted with; none is repeated by itself but the opening of a stream.
 */
export function createClient({ url, token, fetch: given, streamSilenceMs = 45_000 }: ClientOptions) {
  // Called as it stands: browsers refuse a `fetch` that is called as a method of something else.
  const http = new Http(url, token, given ?? ((address, init) => fetch(address, init)));
  const persistence: Persistence = { silenceMs: streamSilenceMs, random: Math.random };
  const publishing = new Publishing(http);
  const subscriptions = new Subscriptions(http);
  const connections = new Connections(http);
  return {
    connections,
    subscriptions,
    webhooks: new Webhooks(http),
    probe: connections.probe.bind(connections),
    publish: publishing.publish.bind(publishing) as Publishing["publish"],
    publishAll: publishing.publishAll.bind(publishing),
    request: publishing.request.bind(publishing),
    retained: publishing.retained.bind(publishing),
    /** What arrived over a connection. */
    messages: (id: string) => new Messages(http, id, persistence),
    /** What happens to connections, as it does. */
    events: (options: EventsOptions = {}): AsyncGenerator<ConnackEvent, void> =>
      events(http, options, persistence),
    /** Whether the process answers; throws where it does not. */
    health: (options: CallOptions = {}) => http.json<{ readonly ok: true }>("GET", "/healthz", options),
    /** Whether it takes work: `ConnackProblem` with status 503 where it does not. */
    ready: (options: CallOptions = {}) => http.json<{ readonly ready: boolean }>("GET", "/readyz", options),
  };
}
