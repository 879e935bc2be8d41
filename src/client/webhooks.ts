import type { LifecycleType } from "./event.ts";
import { path, type CallOptions, type Http } from "./http.ts";

/** Where messages and events are delivered to; at least one topic filter or type. */
export interface WebhookRequest {
  readonly url: string;
  /** One connection; null, or nothing, for all. */
  readonly connection?: string | null;
  /** Topic filters of the messages. */
  readonly topics?: readonly string[];
  /** Types of the events, or `*` alone. */
  readonly events?: readonly LifecycleType[] | readonly ["*"];
  readonly format?: "connack" | "cloudevents";
  readonly enabled?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** One is made, and shown once, unless told. */
  readonly secret?: string | null;
}

/** What is absent stays as it is; `secretOverlapSeconds` is how long the secret before signs, too. */
export interface WebhookPatch extends Partial<WebhookRequest> {
  readonly secretOverlapSeconds?: number;
}

export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly connection: string | null;
  readonly topics: readonly string[];
  readonly events: readonly string[];
  readonly format: "connack" | "cloudevents";
  readonly enabled: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "active" | "failing" | "disabled";
  readonly disabled: { readonly reason: "requested" | "gone"; readonly at: string } | null;
  readonly lastSuccessAt: string | null;
  readonly lastFailure: {
    readonly status: number | null;
    readonly code: string;
    readonly detail: string;
    readonly at: string;
  } | null;
  readonly failuresInARow: number;
  readonly nextAttemptAt: string | null;
  readonly counters: Readonly<Record<"delivered" | "failed" | "dead" | "deadDropped", number>>;
  readonly createdAt: string;
  readonly links: Readonly<Record<string, string>>;
  /** One that was made for this call, this once. */
  readonly secret?: string;
}

/** `/webhooks`. */
export class Webhooks {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  create(
    request: WebhookRequest,
    { idempotencyKey, signal }: CallOptions & { readonly idempotencyKey?: string } = {},
  ): Promise<Webhook> {
    const headers = { "idempotency-key": idempotencyKey };
    return this.#http.json("POST", "/webhooks", { body: request, headers, signal });
  }

  /** All of them, page after page as they are asked for. */
  async *list(
    options: CallOptions & {
      readonly labels?: Readonly<Record<string, string>>;
      readonly limit?: number;
    } = {},
  ): AsyncGenerator<Webhook, void> {
    const { labels = {}, limit, signal } = options;
    const label = Object.entries(labels).map(([name, value]) => `${name}:${value}`);
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = { label, limit, cursor };
      const page: { items: readonly Webhook[]; next: string | null } = await this.#http.json(
        "GET",
        "/webhooks",
        { query, signal },
      );
      yield* page.items;
      cursor = page.next;
    }
  }

  get(id: string, { signal }: CallOptions = {}): Promise<Webhook> {
    return this.#http.json("GET", path`/webhooks/${id}`, { signal });
  }

  patch(id: string, changes: WebhookPatch, { signal }: CallOptions = {}): Promise<Webhook> {
    return this.#http.json("PATCH", path`/webhooks/${id}`, { body: changes, signal });
  }

  delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#http.json("DELETE", path`/webhooks/${id}`, { signal });
  }
}
