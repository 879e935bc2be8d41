import { Attempt, type AttemptDeps, type AttemptEvent, type Timings } from "../broker/attempt.ts";
import type { Clock } from "../clock.ts";
import { Listeners } from "../listeners.ts";
import { negotiate } from "../mqtt/properties.ts";
import type { ProtocolVersion } from "../mqtt/protocol-version.ts";
import type { OrderedLog } from "../stream/log.ts";
import type { Announcement } from "./announcement.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { next } from "./next.ts";
import { generateClientId, type ConnectionRequest } from "../request/connection-request.ts";
import {
  initialMachine,
  type CloseCause,
  type DialCause,
  type Effect,
  type Event,
  type Machine,
} from "./state.ts";
import { Meter } from "./meter.ts";
import { Session, type SessionLimits } from "./session.ts";
import { flagsOf, viewOf, type ConnectionView } from "./view.ts";

export interface ConnectionDeps {
  readonly attempt: AttemptDeps;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly limits: SessionLimits;
  /** Names a log; never the same twice. */
  readonly newEpoch: () => string;
  /** Called once, when the connection is closed for good. */
  readonly onClosed: (connection: Connection) => void;
}

export interface CloseOptions {
  readonly cause: CloseCause;
  readonly drainMs: number;
  /** Cuts the network connection without DISCONNECT, so that the broker publishes the will. */
  readonly force: boolean;
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number | undefined;
}

const noTimings: Timings = { dnsMs: null, tcpMs: null, tlsMs: null, wsMs: null, connackMs: null };

/** One MQTT client held open for somebody: performs what {@link next} decides, and owns what it needs for it. */
export class Connection {
  readonly id: string;
  readonly log: OrderedLog;
  readonly createdAt: number;
  readonly #deps: ConnectionDeps;
  readonly #meter = new Meter();
  /** What it carries: messages and subscriptions. */
  readonly session: Session;
  readonly #watchers = new Listeners();
  #request: ConnectionRequest;
  #clientId: string;
  #settledVersion: ProtocolVersion | null = null;
  #machine: Machine;
  #attempt: Attempt | null = null;
  /** The attempt to begin when the old network connection has gone: there is never more than one. */
  #pendingDial: Extract<Effect, { type: "dial" }> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timings: Timings = noTimings;
  #unacknowledged = 0;

  constructor(
    id: string,
    request: ConnectionRequest,
    kept: boolean,
    clientId: string | null,
    deps: ConnectionDeps,
  ) {
    this.id = id;
    this.#deps = deps;
    this.#request = request;
    this.#clientId = request.clientId ?? clientId ?? generateClientId(request.protocolVersion, deps.random);
    this.#machine = initialMachine(request.reconnect, kept, deps.clock.wall());
    this.session = new Session(request, {
      limits: deps.limits,
      clock: deps.clock,
      machine: () => this.#machine,
      tell: (announcement) => this.#tell(announcement),
      epoch: deps.newEpoch(),
    });
    this.log = deps.lifecycle.newLog();
    this.createdAt = deps.clock.wall();
  }

  get machine(): Machine {
    return this.#machine;
  }

  get request(): ConnectionRequest {
    return this.#request;
  }

  /** The client id as it is used now; the broker's, where it assigned one. */
  get clientId(): string {
    return this.#clientId;
  }

  /** Packets that the broker had not acknowledged when the connection was closed. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /**
   * Dials now; an attempt under way goes on, unless `restart` gives it up. `timeoutMs` bounds this attempt more tightly
   * than the request does.
   */
  dial(cause: DialCause, timeoutMs: number | null = null, restart = false): void {
    this.#apply({ type: "dial", cause, restart, timeoutMs });
  }

  /** Takes new credentials, or a request that differs in nothing else; they hold from the next attempt on. */
  setCredentials(fields: Partial<Pick<ConnectionRequest, "username" | "password" | "tls">>): void {
    this.#request = { ...this.#request, ...fields };
  }

  /** What fails from here on is retried, and not given back. */
  keep(): void {
    this.#apply({ type: "keep" });
  }

  /** Begins to close; {@link until} tells when it has. */
  close({ cause, drainMs, force, reasonCode, sessionExpiryInterval }: CloseOptions): void {
    this.#apply({ type: "close", cause, drainMs, force, reasonCode, sessionExpiryInterval });
  }

  /** PINGREQ to PINGRESP in milliseconds; null when the network connection ended first, or is not there. */
  async ping(timeoutMs: number): Promise<number | "late" | null> {
    return (await this.#attempt?.keepAlive?.ping(timeoutMs)) ?? null;
  }

  /** Resolves with the machine at the first moment at which `holds`, or with null when `signal` aborts before. */
  until(holds: (machine: Machine) => boolean, signal: AbortSignal): Promise<Machine | null> {
    return this.#watchers.until(() => (holds(this.#machine) ? this.#machine : null), signal);
  }

  view(expiresAt: number | null): ConnectionView {
    const { id, createdAt } = this;
    const offset = this.#deps.clock.wall() - this.#deps.clock.monotonic();
    const traffic = this.#meter.read(this.#attempt, this.session, offset);
    return viewOf({
      id,
      machine: this.#machine,
      request: this.#request,
      clientId: this.#clientId,
      traffic,
      timings: this.#attempt?.timings ?? this.#timings,
      createdAt,
      expiresAt,
    });
  }

  #apply(event: Event): void {
    const { machine, effects } = next(this.#machine, event, this.#deps.clock.wall());
    const changed = machine.version !== this.#machine.version;
    this.#machine = machine;
    for (const effect of effects) this.#perform(effect);
    if (changed) this.#watchers.call();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "dial":
        return this.#begin(effect);
      case "cancel":
        this.#unacknowledged = this.session.unfinished + (this.#attempt?.client?.unanswered ?? 0);
        return this.#attempt?.cancel();
      case "disconnect":
        void this.#disconnect(effect);
        return undefined;
      case "watch":
        return this.#attempt?.watch(effect.keepAlive);
      case "arm":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => this.#apply({ type: "timer" }),
          Math.max(0, effect.at - this.#deps.clock.wall()),
        );
        return undefined;
      case "disarm":
        return clearTimeout(this.#timer);
      case "announce":
        return this.#announce(effect.announcement);
      default:
        return effect satisfies never;
    }
  }

  async #disconnect({ drainMs, ...options }: Extract<Effect, { type: "disconnect" }>): Promise<void> {
    const attempt = this.#attempt;
    this.#unacknowledged = (await attempt?.client?.drain(drainMs, () => this.session.unfinished)) ?? 0;
    attempt?.disconnect(options);
  }

  #announce(announcement: Announcement): void {
    const { state, version } = this.#machine;
    this.#deps.lifecycle.append(
      this.log,
      { connection: this.id, state: state.name, version, flags: flagsOf(this.#machine) },
      announcement,
    );
    if (announcement.type !== "closed") return;
    this.session.close();
    this.log.close();
    this.#deps.onClosed(this);
  }

  #begin(dial: Extract<Effect, { type: "dial" }>): void {
    if (this.#attempt !== null) {
      this.#pendingDial = dial;
      return;
    }
    const { attempt } = dial;
    const timeoutMs = Math.min(this.#request.connectTimeoutMs, dial.timeoutMs ?? Infinity);
    const options = {
      request: this.#request,
      clientId: this.#clientId,
      settledVersion: this.#settledVersion,
      timeoutMs,
      session: this.session,
    };
    // The attempt's first events come while it is constructed, before there is a name for it.
    this.#attempt = new Attempt(options, this.#deps.attempt, (event) => this.#onAttempt(attempt, event));
  }

  #onAttempt(attempt: number, event: AttemptEvent): void {
    const { random } = this.#deps;
    switch (event.type) {
      case "stage":
      case "fallback":
        return undefined;
      case "connected": {
        const { established } = event;
        const { keepAlive, properties } = this.#request;
        this.#settledVersion = established.protocolVersion;
        this.#clientId = established.clientId;
        const negotiated = negotiate(
          { keepAlive, sessionExpiryInterval: properties?.sessionExpiryInterval ?? 0 },
          established.connack.properties,
        );
        return this.#apply({ type: "connected", attempt, established, negotiated });
      }
      case "ready":
        return this.#ready();
      case "failed":
        this.#ended({ type: "failed", attempt, failure: event.failure, random: random() });
        return undefined;
      case "lost": {
        const { failure, sent } = event;
        this.#ended({ type: "lost", attempt, failure, sent, random: random() });
        return undefined;
      }
      default:
        return event satisfies never;
    }
  }

  #ready(): void {
    const { state } = this.#machine;
    const client = this.#attempt?.client;
    if (state.name !== "connected" || !client) return;
    const { connack, protocolVersion } = state.established;
    const given = connack.properties["responseInformation"];
    this.session.begin({
      client,
      negotiated: state.negotiated,
      // Nothing of ours is in a session that began clean, whatever the broker says (MQTT-3.2.2-2).
      sessionPresent: connack.sessionPresent && !this.request.cleanStart,
      protocolVersion,
      responseInformation: typeof given === "string" ? given : null,
    });
  }

  /** Says what happened outside of the state machine; a new version, too. */
  #tell(announcement: Announcement): void {
    this.#machine = { ...this.#machine, version: this.#machine.version + 1 };
    this.#announce(announcement);
    this.#watchers.call();
  }

  /** The attempt is over; the machine hears of it, and then what was under way. */
  #ended(event: Event): void {
    this.#meter.retire(this.#attempt);
    this.#timings = this.#attempt?.timings ?? this.#timings;
    this.#attempt = null;
    const pending = this.#pendingDial;
    this.#pendingDial = null;
    if (pending !== null && this.#machine.state.name === "connecting") this.#begin(pending);
    this.#apply(event);
    this.session.end();
  }
}
