import type { AttemptEvent } from "../broker/attempt-event.ts";
import { Attempt, type AttemptDeps } from "../broker/attempt.ts";
import type { Failure } from "../broker/failure.ts";
import type { SessionState } from "../broker/session-state.ts";
import { noTimings, type Timings } from "../broker/stage-timer.ts";
import { negotiate } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { Meter } from "./meter.ts";
import type { Effect, Event } from "./state.ts";

type Dial = Extract<Effect, { type: "dial" }>;

export interface AttemptsOptions {
  readonly deps: AttemptDeps;
  readonly session: SessionState;
  /** As `AttemptOptions` has it. */
  readonly admit: (address: string) => Failure | null;
  /** As it holds now. */
  readonly request: () => ConnectionRequest;
  readonly clientId: string;
  /** What it was before a restart; null for a new one. */
  readonly restored: { readonly settledVersion: ProtocolVersion | null } | null;
  /** In [0, 1). */
  readonly random: () => number;
  /** Whether the dial that waited for an old network connection to go is still wanted. */
  readonly isConnecting: () => boolean;
  readonly apply: (event: Event) => void;
  /** The network connection takes messages. */
  readonly onReady: () => void;
  /** An attempt has ended, and the machine has heard of it. */
  readonly onEnded: () => void;
}

/** The attempts of one connection, of which there is never more than one; what one settles holds for the next. */
export class Attempts {
  readonly meter = new Meter();
  readonly #options: AttemptsOptions;
  #clientId: string;
  #settledVersion: ProtocolVersion | null;
  #current: Attempt | null = null;
  /** The attempt to begin when the old network connection has gone. */
  #pending: Dial | null = null;
  #timings: Timings = noTimings;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#clientId = options.clientId;
    this.#settledVersion = options.restored?.settledVersion ?? null;
  }

  get current(): Attempt | null {
    return this.#current;
  }

  /** The client id as it is used now; the broker's, where it assigned one. */
  get clientId(): string {
    return this.#clientId;
  }

  /** The version that `auto` settled on; null while it has not. */
  get settledVersion(): ProtocolVersion | null {
    return this.#settledVersion;
  }

  /** Of the last attempt. */
  get timings(): Timings {
    return this.#current?.timings ?? this.#timings;
  }

  begin(dial: Dial): void {
    if (this.#current !== null) {
      this.#pending = dial;
      return;
    }
    const { attempt } = dial;
    const { request, session, deps, admit, restored } = this.#options;
    const options = {
      request: request(),
      clientId: this.#clientId,
      settledVersion: this.#settledVersion,
      timeoutMs: Math.min(request().connectTimeoutMs, dial.timeoutMs ?? Infinity),
      ...{ session, admit },
      // After a restart they are paced as it is.
      isExempt: restored !== null && attempt === 1,
    };
    // The attempt's first events come while it is constructed, before there is a name for it.
    this.#current = new Attempt(options, deps, (event) => this.#onAttempt(attempt, event));
  }

  #onAttempt(attempt: number, event: AttemptEvent): void {
    const { random, apply, onReady, request } = this.#options;
    switch (event.type) {
      case "stage":
      case "fallback":
        return undefined;
      case "connected": {
        const { established } = event;
        const { keepAlive, properties } = request();
        this.#settledVersion = established.protocolVersion;
        this.#clientId = established.clientId;
        const negotiated = negotiate(
          { keepAlive, sessionExpiryInterval: properties?.sessionExpiryInterval ?? 0 },
          established.connack.properties,
        );
        return apply({ type: "connected", attempt, established, negotiated });
      }
      case "ready":
        return onReady();
      case "failed":
        return this.#ended({ type: "failed", attempt, failure: event.failure, random: random() });
      case "lost": {
        const { failure, sent } = event;
        return this.#ended({ type: "lost", attempt, failure, sent, random: random() });
      }
      default:
        return event satisfies never;
    }
  }

  /** The attempt is over; the machine hears of it, and then what was under way. */
  #ended(event: Event): void {
    this.meter.retire(this.#current);
    this.#timings = this.#current?.timings ?? this.#timings;
    this.#current = null;
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null && this.#options.isConnecting()) this.begin(pending);
    this.#options.apply(event);
    this.#options.onEnded();
  }
}
