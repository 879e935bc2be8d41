import { Problem } from "../problem.ts";
import { Connection, type ConnectionDeps } from "./connection.ts";
import { Identity, type OwnClientIds } from "./identity.ts";
import { IdleTimer, type Holders } from "./idle-timer.ts";
import type { ConnectionRequest } from "../request/connection-request.ts";
import type { Origin } from "./origin.ts";
import type { CloseOptions, Machine, StateName } from "./state.ts";
import { isStoreFailure } from "./store-failure.ts";
import type { ConnectionView } from "./view.ts";

interface Entry {
  readonly connection: Connection;
  readonly order: number;
  readonly idle: IdleTimer | null;
  readonly holders: Holders;
}

export interface ListFilter {
  readonly state: StateName | undefined;
  /** `[name, value]` pairs, all of which must hold. */
  readonly labels: readonly (readonly [string, string])[];
  readonly limit: number;
  /** Where a page before ended. */
  readonly after: number;
}

const gracefully = { force: false, reasonCode: 0, drainMs: 5_000 } as const;

const isClosed = ({ state }: Machine) => state.name === "closed";
const never = new AbortController().signal;

/** A new connection; it may dial when `free` resolves, at once where that is null: one that had its id is closing. */
export interface Added {
  readonly connection: Connection;
  readonly free: Promise<unknown> | null;
}

/** The connections of a tenant, by id. Bounded; what is closed is gone from it. */
export class Registry {
  readonly #deps: ConnectionDeps;
  readonly #clientIds: OwnClientIds;
  readonly #entries = new Map<string, Entry>();
  /** Those that have lost their id and are still closing. */
  readonly #replaced = new Set<Connection>();
  /** Those that had the ids at the end: what has yet to be removed from the store must not be theirs. */
  readonly #stopped = new Map<string, Connection>();
  readonly #onAdded = new Set<(connection: Connection) => void>();
  #order = 0;
  #stopping = false;

  constructor(deps: Omit<ConnectionDeps, "onClosed" | "isSucceeded">, clientIds: OwnClientIds) {
    this.#deps = {
      ...deps,
      onClosed: (closed) => this.#remove(closed),
      isSucceeded: (closed) => {
        const holder = this.peek(closed.id) ?? this.#stopped.get(closed.id);
        return holder !== undefined && holder !== closed && holder.request.durable;
      },
    };
    this.#clientIds = clientIds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many connections are in each state. */
  count(): Record<StateName, number> {
    const counts = { connecting: 0, connected: 0, waiting: 0, failed: 0, closing: 0, closed: 0 };
    for (const { connection } of this.#entries.values()) counts[connection.machine.state.name] += 1;
    return counts;
  }

  /**
   * Takes the id and makes a connection, which has not dialled yet.
   *
   * @throws {Problem} `connection-exists`, `client-id-in-use`, `limit-reached`, `shutting-down`
   */
  add(id: string, request: ConnectionRequest, kept: boolean): Added {
    this.#refuseWhenStopping();
    if (this.#entries.has(id))
      throw new Problem("connection-exists", `A connection with the id "${id}" exists`);
    const { connections } = this.#deps.budgets;
    const full = connections.check();
    if (full !== null) throw full.problem("connections", 10);
    this.#refuseSubscriptions(request.subscriptions.length);
    const connection = this.#make(id, request, { kept });
    this.#refuseTaken(connection);
    connections.force();
    return this.#enter(connection);
  }

  /** Brings back what was stored; it has not dialled yet. The bound on connections does not keep it away. */
  restore(id: string, stored: NonNullable<Origin["stored"]>): Connection {
    const connection = this.#make(id, stored.was.request, { kept: true, stored });
    this.#deps.budgets.connections.force();
    return this.#enter(connection).connection;
  }

  #refuseWhenStopping(): void {
    if (this.#stopping)
      throw new Problem("shutting-down", { detail: "This server is stopping", retryAfterSeconds: 5 });
  }

  /** @throws {Problem} `limit-reached` where there is no room for so many more */
  #refuseSubscriptions(more: number): void {
    const full = more <= 0 ? null : this.#deps.budgets.subscriptions.check(more);
    if (full !== null) throw full.problem("subscriptions", 10);
  }

  /**
   * A connection that may take the place of `old`; nothing has happened to either.
   *
   * @throws {Problem} `client-id-in-use`, `limit-reached`
   */
  successor(old: Connection, request: ConnectionRequest, clientId: string | null): Connection {
    this.#refuseSubscriptions(request.subscriptions.length - old.session.subscriptions.size);
    const connection = this.#make(old.id, request, { kept: true, clientId, predecessor: old });
    this.#refuseTaken(connection);
    return connection;
  }

  /**
   * Gives the id of `old` to its successor at once, so that nobody else can take it, and closes `old`.
   *
   * @throws {Problem} `shutting-down`
   */
  replace(old: Connection, successor: Connection): Added {
    this.#refuseWhenStopping();
    this.#entries.get(old.id)?.idle?.stop();
    this.#replaced.add(old);
    void old.until(isClosed, never).then(() => this.#replaced.delete(old));
    const added = this.#enter(successor);
    old.handOver(successor);
    old.close({ cause: "replaced", ...gracefully });
    return added;
  }

  #refuseTaken({ request, clientId }: Connection): void {
    const taken = Identity.refusal(this.#clientIds, request.target, clientId);
    if (taken !== null) throw taken;
  }

  #make(id: string, request: ConnectionRequest, origin: Origin): Connection {
    return new Connection(id, request, origin, this.#deps);
  }

  #enter(connection: Connection): Added {
    const { id, request, clientId } = connection;
    connection.identity = Identity.take(this.#clientIds, request.target, clientId);
    const holders = this.#entries.get(id)?.holders ?? { count: 0 };
    const { monotonic } = this.#deps.clock;
    const idle =
      request.idleTtlMs === null
        ? null
        : new IdleTimer(request.idleTtlMs, holders, monotonic, () => this.#goIdle(connection));
    connection.session.subscriptions.enter();
    this.#order += 1;
    // Pages go by order, so that the map must be in that order too.
    this.#entries.delete(id);
    this.#entries.set(id, { connection, order: this.#order, idle, holders });
    for (const listener of this.#onAdded) listener(connection);
    const before = [...this.#replaced].filter((replaced) => replaced.id === id);
    const free = before.length === 0 ? null : Promise.all(before.map((each) => each.until(isClosed, never)));
    return { connection, free };
  }

  /** Messages that were accepted keep a connection from going. */
  #goIdle(connection: Connection): void {
    if ((connection.session.parts.outbox?.waiting ?? 0) > 0) this.#entries.get(connection.id)?.idle?.touch();
    else connection.close({ cause: "idle", ...gracefully });
  }

  /** Dials those at once that wait for the store to be well again. */
  storeRecovered(): void {
    for (const { connection } of this.#entries.values()) {
      const { state } = connection.machine;
      if (state.name === "waiting" && isStoreFailure(state.failure)) connection.dial("lost");
    }
  }

  /** The connection with this id; a call that asks for it counts as a touch. */
  find(id: string): Connection | null {
    const entry = this.#entries.get(id);
    entry?.idle?.touch();
    return entry?.connection ?? null;
  }

  /** The connection with this id, untouched. */
  peek(id: string): Connection | null {
    return this.#entries.get(id)?.connection ?? null;
  }

  /** All connections, oldest first. */
  *all(): Iterable<Connection> {
    for (const { connection } of this.#entries.values()) yield connection;
  }

  /** Calls `listener` with each new connection, before anything happens to it, until the returned function is called. */
  onAdded(listener: (connection: Connection) => void): () => void {
    this.#onAdded.add(listener);
    return () => this.#onAdded.delete(listener);
  }

  /** @throws {Problem} `not-found`; `shutting-down` where it may be there again when the server is */
  get(id: string): Connection {
    const connection = this.find(id);
    if (connection === null) {
      this.#refuseWhenStopping();
      throw new Problem("not-found", "There is no connection with this id");
    }
    return connection;
  }

  /**
   * Keeps a connection, or what takes its place, from going idle while a stream is open on it, or a call waits; returns
   * what ends that.
   */
  hold(id: string): () => void {
    const holders = this.#entries.get(id)?.holders;
    if (holders === undefined) return () => {};
    holders.count += 1;
    return () => {
      holders.count -= 1;
      const entry = this.#entries.get(id);
      if (entry?.holders === holders) entry.idle?.touch();
    };
  }

  view(connection: Connection): ConnectionView {
    const expires = this.#entries.get(connection.id)?.idle?.expiresAt ?? null;
    const { wall, monotonic } = this.#deps.clock;
    return connection.view(expires === null ? null : wall() - monotonic() + expires);
  }

  /**
   * A page, oldest first; `next` is where the following page begins, null at the end.
   *
   * @throws {Problem} `shutting-down`: some have gone that will be there again
   */
  list({ state, labels, limit, after }: ListFilter): {
    readonly items: readonly ConnectionView[];
    readonly next: number | null;
  } {
    this.#refuseWhenStopping();
    const items: ConnectionView[] = [];
    let last = after;
    for (const { connection, order } of this.#entries.values()) {
      if (order <= after) continue;
      if (state !== undefined && connection.machine.state.name !== state) continue;
      if (
        !labels.every(
          ([name, value]) =>
            Object.hasOwn(connection.request.labels, name) && connection.request.labels[name] === value,
        )
      )
        continue;
      if (items.length === limit) return { items, next: last };
      items.push(this.view(connection));
      last = order;
    }
    return { items, next: null };
  }

  /** Takes no more, closes all, and resolves when all are closed; those not closed by `graceMs` are cut. */
  async shutdown(graceMs: number): Promise<void> {
    this.#stopping = true;
    const close: CloseOptions = { cause: "shutdown", ...gracefully, drainMs: graceMs };
    const connections = [...this.#entries.values()]
      .map((entry) => entry.connection)
      .concat(...this.#replaced);
    for (const connection of connections) connection.close(close);
    const cut = setTimeout(() => {
      for (const connection of connections) connection.close({ ...close, force: true });
    }, graceMs);
    await Promise.all(connections.map((connection) => connection.until(isClosed, never)));
    await Promise.all(connections.map((connection) => connection.settled()));
    clearTimeout(cut);
  }

  #remove(connection: Connection): void {
    connection.identity?.release();
    const entry = this.#entries.get(connection.id);
    if (entry?.connection !== connection) return;
    entry.idle?.stop();
    this.#entries.delete(connection.id);
    this.#deps.budgets.connections.give();
    if (this.#stopping) this.#stopped.set(connection.id, connection);
  }
}
