import { path, type CallOptions, type Http } from "./http.ts";
import {
  payloadFields,
  type MessageProperties,
  type Payload,
  type QoS,
  type ReceivedMessage,
} from "./message.ts";
import { ConnackProblem, type ProblemBody } from "./problem.ts";

/** A message to publish: text and bytes go as they are, other values as JSON. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload?: Payload;
  /** 0 unless told. */
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** Only in MQTT 5. */
  readonly properties?: MessageProperties & { readonly topicAlias?: number };
}

export interface PublishOptions extends CallOptions {
  /** Seconds to wait for the acknowledgement: 10 unless told, 60 at most. Means nothing beside `queue`. */
  readonly wait?: number;
  /** Kept for so many seconds where the broker is away; needs a durable connection. */
  readonly queue?: number;
  /** The same key within 24 h gives the first answer again, so that the call can be repeated. */
  readonly idempotencyKey?: string;
}

/** The broker has a message of QoS 1 or 2. */
export interface Acknowledgement {
  readonly reasonCode: number;
  readonly reasonName: string;
  readonly reasonString?: string;
  readonly packetId: number;
  readonly ms: number;
}

/** A message that is kept to be delivered, and how that goes. */
export interface OutboxEntry {
  readonly id: string;
  readonly state: "queued" | "sent" | "delivered" | "expired" | "rejected";
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly bytes: number;
  readonly acceptedAt: string;
  readonly expiresAt: string;
  readonly outcome: (Readonly<Record<string, unknown>> & { readonly at: string }) | null;
}

/** QoS 0 was written to the network connection, and nobody acknowledges it. */
export type Published = Acknowledgement | { readonly qos: 0 };

/** What became of one of several messages; `status` is what the answer to it alone would have. */
export type PublishResult =
  | ({ readonly status: 200 } & Acknowledgement)
  | ({ readonly status: 202 } & ({ readonly qos: 0 } | OutboxEntry))
  | ProblemBody;

export interface ResponseOptions extends CallOptions {
  /** 10,000 unless told, 60,000 at most. */
  readonly timeoutMs?: number;
  /** Where the response comes; before MQTT 5 it must be told. */
  readonly responseTopic?: string;
}

/** `…/publish`, `…/request` and `…/retained`. */
export class Publishing {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Publishes one message, and waits for what its QoS promises. */
  publish(
    id: string,
    message: OutgoingMessage,
    options: PublishOptions & { readonly queue: number },
  ): Promise<OutboxEntry>;
  publish(id: string, message: OutgoingMessage, options?: PublishOptions): Promise<Published>;
  publish(
    id: string,
    message: OutgoingMessage,
    options: PublishOptions = {},
  ): Promise<Published | OutboxEntry> {
    return this.#http.json("POST", path`/connections/${id}/publish`, callOf(bodyOf(message), options));
  }

  /** Publishes several, in order, and tells of each what became of it: none throws for another. */
  async publishAll(
    id: string,
    messages: readonly OutgoingMessage[],
    options: PublishOptions = {},
  ): Promise<readonly PublishResult[]> {
    const { results } = await this.#http.json<{ results: readonly PublishResult[] }>(
      "POST",
      path`/connections/${id}/publish`,
      callOf(messages.map(bodyOf), options),
    );
    return results;
  }

  /** Publishes a request (QoS 1 unless told), and gives the response. */
  request(
    id: string,
    message: OutgoingMessage,
    { timeoutMs, responseTopic, signal }: ResponseOptions = {},
  ): Promise<{ readonly message: ReceivedMessage; readonly ms: number }> {
    const body = { ...bodyOf(message), timeoutMs, responseTopic };
    return this.#http.json("POST", path`/connections/${id}/request`, { body, signal });
  }

  /** The retained message of a topic; null when the broker sent none within `wait` seconds (2 unless told). */
  async retained(
    id: string,
    topic: string,
    { wait, signal }: CallOptions & { readonly wait?: number } = {},
  ): Promise<ReceivedMessage | null> {
    try {
      const query = { topic, wait, format: "json" };
      return await this.#http.json("GET", path`/connections/${id}/retained`, { query, signal });
    } catch (error) {
      if (error instanceof ConnackProblem && error.code === "no-retained-message") return null;
      throw error;
    }
  }
}

function bodyOf({ payload, ...message }: OutgoingMessage) {
  return { ...message, ...payloadFields(payload) };
}

function callOf(body: unknown, { wait, queue, idempotencyKey, signal }: PublishOptions) {
  return { query: { wait, queue }, body, headers: { "idempotency-key": idempotencyKey }, signal };
}
