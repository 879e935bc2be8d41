import type { AttemptDeps } from "../broker/attempt.ts";
import { Listeners } from "../listeners.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { answered } from "../store/answered.ts";
import type { Change } from "../store/store.ts";
import type { OrderedLog } from "../stream/log.ts";
import { Alarm } from "./alarm.ts";
import type { Announcement } from "./announcement.ts";
import { Attempts } from "./attempts.ts";
import type { Identity } from "./identity.ts";
import { Keeper } from "./keeper.ts";
import type { ConnectionLog, Lifecycle, LifecycleEntry } from "./lifecycle.ts";
import { linkOf } from "./link.ts";
import { next } from "./next.ts";
import { beginningOf, type BeginningDeps, type Origin } from "./origin.ts";
import { boundsOf, removalOf } from "./session-parts.ts";
import { Session, type SessionLimits } from "./session.ts";
import type { CloseOptions, DialCause, Effect, Event, Machine } from "./state.ts";
import { storeFailure } from "./store-failure.ts";
import { places, type StoredConnection } from "./stored-connection.ts";
import { flagsOf, viewOf, type ConnectionView } from "./view.ts";

export interface ConnectionDeps extends BeginningDeps {
  readonly attempt: AttemptDeps;
  readonly lifecycle: Lifecycle;
  readonly limits: SessionLimits;
  /** Whether another connection has its id now, and its record. */
  readonly isSucceeded: (connection: Connection) => boolean;
  /** Called once, when the connection is closed for good. */
  readonly onClosed: (connection: Connection) => void;
}

/** One MQTT client held open for somebody: performs what {@link next} decides, and owns what it needs for it. */
export class Connection {
  readonly id: string;
  readonly createdAt: number;
  /** What it carries: messages and subscriptions. */
  readonly session: Session;
  /** The client id that it has, as long as it is there. */
  identity: Identity | null = null;
  /** Its own lifecycle events. */
  readonly events: ConnectionLog;
  readonly #deps: ConnectionDeps;
  readonly #incarnation: string;
  readonly #attempts: Attempts;
  readonly #keeper: Keeper | null;
  readonly #watchers = new Listeners();
  readonly #alarm: Alarm;
  #request: ConnectionRequest;
  #machine: Machine;
  #unacknowledged = 0;
  /** Who has the record from now on. */
  #successor: Connection | null = null;

  constructor(id: string, request: ConnectionRequest, origin: Origin, deps: ConnectionDeps) {
    const { lifecycle, clock, random, limits, budgets } = deps;
    const keeping = request.durable ? deps.keeping : null;
    const beginning = beginningOf(id, request, origin, { ...deps, keeping });
    this.id = id;
    this.createdAt = beginning.createdAt;
    this.#deps = deps;
    this.#alarm = new Alarm(clock, () => this.#apply({ type: "timer" }));
    this.#request = request;
    this.#incarnation = beginning.incarnation;
    this.#machine = beginning.machine;
    this.events = lifecycle.newLog(keeping && places.eventLog(id, this.#incarnation));
    this.session = new Session(request, {
      ...{ limits, budgets, clock, parts: beginning.parts, subscriptions: beginning.subscriptions },
      publishTimes: deps.publishTimes,
      machine: () => this.#machine,
      tell: (announcement) => this.tell(announcement),
      saved: keeping && (() => this.saved()),
    });
    this.#attempts = new Attempts({
      deps: deps.attempt,
      session: this.session,
      admit: (address) => this.identity?.at(address) ?? null,
      request: () => this.#request,
      clientId: beginning.clientId,
      restored: origin.stored?.was ?? null,
      random,
      isConnecting: () => this.#machine.state.name === "connecting",
      apply: (event) => this.#apply(event),
      onReady: () => this.#ready(),
      onEnded: () => this.session.end(),
    });
    if (origin.predecessor === undefined) this.#own();
    this.#keeper = keeping && new Keeper(id, keeping, () => this.#stored(), beginning.record);
  }

  get log(): OrderedLog<LifecycleEntry> {
    return this.events.log;
  }

  get machine(): Machine {
    return this.#machine;
  }

  get request(): ConnectionRequest {
    return this.#request;
  }

  /** The client id as it is used now; the broker's, where it assigned one. */
  get clientId(): string {
    return this.#attempts.clientId;
  }

  /** Packets that the broker had not acknowledged when the connection was closed. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Dials now; an attempt under way goes on, unless `restart` gives it up. `timeoutMs` bounds this attempt as well. */
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
  close(options: CloseOptions): void {
    this.#apply({ type: "close", ...options });
  }

  /**
   * Resolves when the connection as it is now is kept, where it is durable.
   *
   * @throws {StoreError}
   * @throws {Problem} `secret-key-missing`
   */
  saved(): Promise<void> {
    return this.#keeper === null ? Promise.resolve() : answered(this.#keeper.save());
  }

  /** Resolves when nothing is being saved any more. */
  settled(): Promise<void> {
    return this.#keeper?.settled() ?? Promise.resolve();
  }

  /**
   * Resolves when it will not come back after a restart, whatever happens.
   *
   * @throws {StoreError} when it may
   */
  forget(): Promise<void> {
    const { parts } = this.session;
    // The logs at once, too: it may be for want of room that it is deleted.
    const remove = () => this.#keeper?.remove(removalOf(parts)) ?? Promise.resolve();
    return answered(parts.messages.keeping?.inbound.giveWay(remove) ?? remove());
  }

  /** What was kept of it is gone, or going: nothing more is accepted for it, and nobody goes on with it. */
  get isForgotten(): boolean {
    return this.#keeper?.isRemoved ?? false;
  }

  /** Another connection under this id has its record, and goes on with its parts where it keeps such. */
  handOver(successor: Connection): void {
    this.#keeper?.stop();
    this.#successor = successor;
    successor.#own();
    // What this one was saved as in between is not what stays.
    successor.#keeper?.overwrite();
  }

  /** PINGREQ to PINGRESP in milliseconds; null when the network connection ended first, or is not there. */
  async ping(timeoutMs: number): Promise<number | "late" | null> {
    return (await this.#attempts.current?.keepAlive?.ping(timeoutMs)) ?? null;
  }

  /** Ends its network connection, or the attempt at one, where the policy forbids it by now; tells whether. */
  recheck(): boolean {
    return this.#attempts.current?.recheck() ?? false;
  }

  /** Resolves with the machine at the first moment at which `holds`, or with null when `signal` aborts before. */
  until(holds: (machine: Machine) => boolean, signal: AbortSignal): Promise<Machine | null> {
    return this.#watchers.until(() => (holds(this.#machine) ? this.#machine : null), signal);
  }

  view(expiresAt: number | null): ConnectionView {
    const { id, createdAt } = this;
    const { meter, current, clientId, timings } = this.#attempts;
    const { wall, monotonic } = this.#deps.clock;
    const traffic = meter.read(current, this.session, wall() - monotonic());
    const [machine, request] = [this.#machine, this.#request];
    return viewOf({ id, machine, request, clientId, traffic, timings, createdAt, expiresAt });
  }

  #stored(): StoredConnection {
    const { state, kept } = this.#machine;
    const { messages } = this.session;
    return {
      request: this.#request,
      incarnation: this.#incarnation,
      messages: messages.keeping === null ? null : messages.log.epoch,
      clientId: this.#attempts.clientId,
      settledVersion: this.#attempts.settledVersion,
      createdAt: this.createdAt,
      kept,
      failed: state.name === "failed" ? { failure: state.failure, at: state.since } : null,
      subscriptions: this.session.subscriptions.known,
    };
  }

  #apply(event: Event): void {
    const before = this.#machine;
    const { machine, effects } = next(before, event, this.#deps.clock.wall());
    this.#machine = machine;
    for (const effect of effects) this.#perform(effect);
    if (machine.version !== before.version) this.#watchers.call();
    const failed = (state: Machine["state"]) => state.name === "failed";
    const differs = machine.kept !== before.kept || failed(machine.state) !== failed(before.state);
    if (differs || event.type === "connected") this.#keeper?.saveSoon();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "dial":
        return this.#attempts.begin(effect);
      case "cancel":
        this.#unacknowledged = this.session.unfinished + (this.#attempts.current?.client?.unanswered ?? 0);
        return this.#attempts.current?.cancel();
      case "disconnect":
        return void this.#disconnect(effect);
      case "watch":
        return this.#attempts.current?.watch(effect.keepAlive);
      case "arm":
        return this.#alarm.set(effect.at);
      case "disarm":
        return this.#alarm.clear();
      case "announce":
        return this.#announce(effect.announcement);
      default:
        return effect satisfies never;
    }
  }

  async #disconnect({ drainMs, ...options }: Extract<Effect, { type: "disconnect" }>): Promise<void> {
    const attempt = this.#attempts.current;
    this.#unacknowledged = (await attempt?.client?.drain(drainMs, () => this.session.unfinished)) ?? 0;
    attempt?.disconnect(options);
  }

  #announce(announcement: Announcement, along: readonly Change[] = []): void {
    const { state, version } = this.#machine;
    const subject = { connection: this.id, state: state.name, version, flags: flagsOf(this.#machine) };
    this.#deps.lifecycle.append(this.events, subject, announcement, along);
    if (state.name !== "closed" || announcement.type !== "closed") return;
    this.session.close(this.#successor?.session ?? null);
    const stays = state.cause === "shutdown";
    this.#deps.lifecycle.end(this.events, stays ? null : () => this.#removal());
    if (stays) this.#keeper?.finish();
    else this.#keeper?.stop();
    this.#deps.onClosed(this);
  }

  /** What is removed from the store along with the connection; by then another one may have its id, and its record. */
  #removal(): Change[] {
    const isMine = this.#successor === null && !this.#deps.isSucceeded(this);
    const record = isMine ? (this.#keeper?.removal() ?? []) : [];
    const goesOn = this.#successor?.session.messages === this.session.messages;
    return goesOn ? record : [...record, ...removalOf(this.session.parts)];
  }

  #ready(): void {
    const [state, client] = [this.#machine.state, this.#attempts.current?.client];
    if (state.name !== "connected" || !client) return;
    this.session.begin(linkOf(client, state, this.#request));
  }

  /** Says what happened outside of the state machine; a new version, too. */
  tell(announcement: Announcement): void {
    this.#machine = { ...this.#machine, version: this.#machine.version + 1 };
    this.#announce(announcement);
    this.#watchers.call();
    this.#keeper?.saveSoon();
  }

  /** What its parts have to tell is told to this one from here on. */
  #own(): void {
    const { outbox } = this.session.parts;
    const { keeping, log } = this.session.messages;
    // Not before: until it has the record, another one has the log, with bounds of its own.
    log.rebound(boundsOf(this.#request));
    if (outbox !== null) outbox.announce = (announcement, along) => this.#announce(announcement, along);
    if (keeping !== null)
      keeping.inbound.onFailed = (error) => this.#attempts.current?.drop(storeFailure(error));
  }
}
