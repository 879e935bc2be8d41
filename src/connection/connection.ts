import { Attempt, type AttemptDeps, type AttemptEvent, type Timings } from "../broker/attempt.ts";
import { createPacketStore } from "../broker/client.ts";
import type { PacketStore } from "../broker/packet-store.ts";
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
import { Subscriptions } from "./subscriptions.ts";
import { Meter } from "./meter.ts";
import { flagsOf, viewOf, type ConnectionView } from "./view.ts";

export interface ConnectionDeps {
  readonly attempt: AttemptDeps;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
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
  readonly #store: PacketStore = createPacketStore();
  readonly #watchers = new Listeners();
  #request: ConnectionRequest;
  #clientId: string;
  #settledVersion: ProtocolVersion | null = null;
  #subscriptions: Subscriptions;
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
    this.#subscriptions = new Subscriptions(request.subscriptions);
    this.#machine = initialMachine(request.reconnect, kept, deps.clock.wall());
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
    if (holds(this.#machine)) return Promise.resolve(this.#machine);
    if (signal.aborted) return Promise.resolve(null);
    return new Promise((resolve) => {
      const finish = (machine: Machine | null) => {
        unwatch();
        signal.removeEventListener("abort", onAbort);
        resolve(machine);
      };
      const check = () => {
        if (holds(this.#machine)) finish(this.#machine);
      };
      const onAbort = () => finish(null);
      const unwatch = this.#watchers.add(check);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  view(expiresAt: number | null): ConnectionView {
    const { id, createdAt } = this;
    const offset = this.#deps.clock.wall() - this.#deps.clock.monotonic();
    const traffic = this.#meter.read(this.#attempt, offset);
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
        this.#unacknowledged = this.#attempt?.client?.inflight ?? 0;
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
    this.#unacknowledged = (await attempt?.client?.drain(drainMs)) ?? 0;
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
      store: this.#store,
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
        this.#ended();
        return this.#apply({ type: "failed", attempt, failure: event.failure, random: random() });
      case "lost":
        this.#ended();
        return this.#apply({
          type: "lost",
          attempt,
          failure: event.failure,
          sent: event.sent,
          random: random(),
        });
      default:
        return event satisfies never;
    }
  }

  #ready(): void {
    const { state } = this.#machine;
    const client = this.#attempt?.client;
    if (state.name !== "connected" || !client) return;
    const { established, negotiated } = state;
    const link = {
      sessionPresent: established.connack.sessionPresent,
      negotiated,
      protocolVersion: established.protocolVersion,
    };
    void this.#subscriptions.restore(client, link, (announcement) => {
      this.#machine = { ...this.#machine, version: this.#machine.version + 1 };
      this.#announce(announcement);
      this.#watchers.call();
    });
  }

  #ended(): void {
    this.#meter.retire(this.#attempt);
    this.#timings = this.#attempt?.timings ?? this.#timings;
    this.#attempt = null;
    const pending = this.#pendingDial;
    this.#pendingDial = null;
    if (pending !== null && this.#machine.state.name === "connecting") this.#begin(pending);
  }
}
