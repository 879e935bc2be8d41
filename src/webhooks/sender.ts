import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Secret } from "../secret.ts";
import { deliver, type DeliveryDeps, type Outcome } from "./delivery.ts";
import { displayEndpoint, parseEndpoint, type Endpoint } from "./endpoint.ts";
import { History, type AttemptView } from "./history.ts";
import type { Parcel } from "./parcel.ts";
import type { Schedule } from "./schedule.ts";
import { signatureHeaders } from "./signature.ts";

export interface SenderDeps {
  readonly delivery: DeliveryDeps;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly logger: Logger;
}

/** Why nothing can be signed here, and so nothing is sent; `at` in epoch milliseconds. */
export interface Unable {
  readonly code: string;
  readonly detail: string;
  readonly at: number;
}

/** A secret that signs, until a time (epoch milliseconds) where it is not the newest. */
export interface SigningKey {
  readonly secret: Secret;
  readonly until: number | null;
}

export interface Sent {
  readonly outcome: Outcome;
  readonly view: AttemptView;
}

/** Signs and sends to one endpoint, and notes how that went. */
export class Sender {
  readonly history = new History();
  readonly #webhook: string;
  readonly #deps: SenderDeps;
  #endpoint: Endpoint;
  #keys: readonly SigningKey[];
  #unable: Unable | null;
  /** Monotonic: before it the endpoint wants nothing. */
  #holdUntil = 0;

  constructor(
    webhook: string,
    url: string,
    keys: readonly SigningKey[],
    unable: Unable | null,
    deps: SenderDeps,
  ) {
    this.#webhook = webhook;
    this.#endpoint = endpointOf(url);
    this.#keys = keys;
    this.#unable = unable;
    this.#deps = deps;
  }

  /** Milliseconds for which the endpoint wants to be left alone. */
  get holdMs(): number {
    return Math.max(0, this.#holdUntil - this.#deps.clock.monotonic());
  }

  get keys(): readonly SigningKey[] {
    return this.#keys;
  }

  get unable(): Unable | null {
    return this.#unable;
  }

  change(url: string, keys: readonly SigningKey[], unable: Unable | null): void {
    this.#endpoint = endpointOf(url);
    this.#keys = keys;
    this.#unable = unable;
  }

  /** Trusts the endpoint again. */
  forgive(): void {
    this.history.forgive();
    this.#holdUntil = 0;
  }

  async send(parcel: Parcel, attempt: number, signal: AbortSignal): Promise<Sent> {
    const { clock, delivery, schedule } = this.#deps;
    const at = clock.wall();
    const keys = this.#keys.filter(({ until }) => until === null || until > at);
    const headers = {
      "content-type": parcel.contentType,
      ...signatureHeaders(
        { id: parcel.id, at, body: parcel.text },
        keys.map(({ secret }) => secret),
      ),
    };
    const began = clock.monotonic();
    const posting = { endpoint: this.#endpoint, headers, body: parcel.text };
    const outcome =
      this.#unable === null
        ? await deliver(posting, delivery, schedule.timeoutMs, signal)
        : refusal(this.#unable);
    const failuresBefore = this.history.failuresInARow;
    const view = this.history.add({ parcel, attempt, at, ms: clock.monotonic() - began }, outcome);
    if (outcome.type === "failed" && outcome.retryAfterMs !== null)
      this.#holdUntil = clock.monotonic() + Math.min(outcome.retryAfterMs, schedule.mostRetryAfterMs);
    this.#tell(outcome, failuresBefore);
    return { outcome, view };
  }

  /** The first failure in a row is what an operator wants to know of, and that it is over. */
  #tell(outcome: Outcome, failuresBefore: number): void {
    const { logger } = this.#deps;
    const about = { webhook: this.#webhook, endpoint: displayEndpoint(this.#endpoint) };
    if (outcome.type === "accepted") {
      if (failuresBefore > 0) logger.info("webhook recovered", about);
      return;
    }
    if (outcome.type === "cancelled") return;
    const { status, code, detail } = outcome;
    logger[failuresBefore === 0 ? "warn" : "debug"]("webhook failed", { ...about, status, code, detail });
  }
}

/** Without a signature the endpoint could not tell it from anybody's. */
function refusal({ code, detail }: Unable): Outcome {
  return { type: "failed", status: null, code, detail, retryAfterMs: null };
}

function endpointOf(url: string): Endpoint {
  const parsed = parseEndpoint(url);
  if (!parsed.ok) throw new TypeError(`The URL of a webhook is not one: ${parsed.detail}`);
  return parsed.endpoint;
}
