import type { Clock } from "../clock.ts";
import { deadline } from "../deadline.ts";
import { Problem } from "../problem.ts";
import type { Connection } from "./connection.ts";
import { closedMeanwhile, failureProblem, notConnectedProblem } from "./problems.ts";
import type { Added, Registry } from "./registry.ts";
import { fingerprint, type ConnectionRequest } from "../request/connection-request.ts";
import type { DialCause, Machine } from "./state.ts";
import { Turns } from "../turns.ts";

/** How long a call waits, and what becomes of the connection when it does not get what it waits for. */
export interface Waiting {
  readonly waitMs: number;
  /** The caller does not want to wait longer, and the connection is kept whatever happens. */
  readonly async: boolean;
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal;
}

/** `done`: CONNACK success came. Otherwise the call was asynchronous, and the view tells what is. */
export interface Opened {
  readonly connection: Connection;
  readonly done: boolean;
}

export interface CloseRequest {
  readonly drainMs: number;
  readonly force: boolean;
  readonly reasonCode: number;
  readonly sessionExpiryInterval?: number | undefined;
}

/** The caller has gone; there is nobody to answer. */
export class CallerLeft extends Error {}

const attemptEnded = ({ state }: Machine) => state.name !== "connecting";
const isClosed = ({ state }: Machine) => state.name === "closed";

/** A synchronous call that waits for an attempt of another call's waits so much longer than it asked for. */
const joinMarginMs = 250;

/** An attempt that follows a wait is given at least so long. */
const leastAttemptMs = 100;

/** What the HTTP calls do with connections, one method each. */
export class Operations {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #turns = new Turns();

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Opens a connection. Synchronous: one attempt, all or nothing.
   *
   * @throws {Problem} as `Registry.add`, or what the attempt failed with
   */
  async create(id: string, request: ConnectionRequest, waiting: Waiting): Promise<Opened> {
    const added = this.#registry.add(id, request, waiting.async);
    const { connection } = added;
    await orGiveUp(connection, connection.saved());
    this.#dialWhenFree(added, "create", waiting);
    const opened = await this.#settle(connection, waiting, null);
    await orGiveUp(connection, connection.saved());
    return opened;
  }

  /** Creates, or replaces a different request; the same again changes nothing. `created` tells which. */
  async put(
    id: string,
    request: ConnectionRequest,
    waiting: Waiting,
  ): Promise<Opened & { readonly created: boolean }> {
    const begun = await this.#turns.take(id, () => this.#beginPut(id, request, waiting));
    if (begun.created) return { ...(await begun.opened), created: true };
    const opened = await (begun.added === null
      ? this.#join(begun.connection, waiting)
      : this.#settle(begun.connection, waiting, null));
    await begun.connection.saved();
    return { ...opened, created: false };
  }

  /** Up to the moment at which the id has its new connection, for which calls on one id wait for one another. */
  async #beginPut(id: string, request: ConnectionRequest, waiting: Waiting) {
    const old = this.#registry.find(id);
    // Its own turn ends when the id is taken, which is at once.
    if (old === null) return { created: true, opened: this.create(id, request, waiting) } as const;
    if (old.machine.state.name !== "closing" && fingerprint(old.request) === fingerprint(request))
      return { created: false, connection: old, added: null } as const;
    if (!request.durable) refuseToLose(old);
    const connection = this.#registry.successor(old, request, carriedClientId(old, request));
    // First, so that a store or a key that is missing leaves the old one as it is.
    await (request.durable ? connection.saved() : old.forget());
    // By itself meanwhile, and what the other one would go on with has ended with it.
    if (isClosed(old.machine)) return { created: true, opened: this.create(id, request, waiting) } as const;
    const added = this.#registry.replace(old, connection);
    this.#dialWhenFree(added, "replace", waiting);
    return { created: false, connection, added } as const;
  }

  /** The connection of a synchronous POST is nobody's until CONNACK: a PUT of the same makes it stay, and waits with it. */
  async #join(connection: Connection, waiting: Waiting): Promise<Opened> {
    if (connection.machine.kept) return { connection, done: true };
    connection.keep();
    return this.#settle(connection, waiting, null);
  }

  /**
   * Dials now; from `connected`, after a graceful disconnect. An attempt under way is joined, or given up where there
   * are new credentials: it has the old ones, and must not be what answers for these.
   */
  async reconnect(
    connection: Connection,
    credentials: Parameters<Connection["setCredentials"]>[0],
    waiting: Waiting,
  ): Promise<Opened> {
    const restart = Object.keys(credentials).length > 0;
    connection.setCredentials(credentials);
    if (restart) await connection.saved();
    connection.dial("reconnect", waiting.async ? null : waiting.waitMs, restart);
    return this.#settle(connection, waiting, restart ? connection.machine.attempts : null);
  }

  #dialWhenFree({ connection, free }: Added, cause: DialCause, { async, waitMs }: Waiting): void {
    const since = this.#clock.monotonic();
    const dial = () => {
      const leftMs = Math.max(leastAttemptMs, waitMs - (this.#clock.monotonic() - since));
      connection.dial(cause, async ? null : leftMs);
    };
    if (free === null) dial();
    else void free.then(dial);
  }

  /** @throws {Problem} `ping-timeout`, `not-connected`, `temporarily-not-connected`, `connection-lost` */
  async ping(connection: Connection, timeoutMs: number): Promise<number> {
    if (connection.machine.state.name !== "connected")
      throw notConnectedProblem(connection.machine, this.#clock.wall());
    const release = this.#registry.hold(connection.id);
    const result = await connection.ping(timeoutMs).finally(release);
    if (result === "late") throw new Problem("ping-timeout", `No PINGRESP within ${timeoutMs} ms`);
    if (result === null) throw new Problem("connection-lost", "The connection was lost before PINGRESP came");
    return result;
  }

  /**
   * Closes what has the id when it is this call's turn, if `check` does not throw, and resolves with it when closed, which
   * is bounded by `drainMs` and a margin. A second call joins the first.
   *
   * @throws {Problem} `not-found`, and what `check` throws
   * @throws {StoreError} when it would come back after a restart; then nothing has happened
   */
  async close(
    id: string,
    request: CloseRequest,
    check: (connection: Connection) => void,
  ): Promise<Connection> {
    const connection = await this.#turns.take(id, async () => {
      const found = this.#registry.get(id);
      check(found);
      await found.forget();
      // Within the turn, so that the next call does not go on with what has been removed.
      found.close({ cause: "deleted", ...request });
      return found;
    });
    await connection.until(isClosed, new AbortController().signal);
    return connection;
  }

  /**
   * Waits for the end of the attempt under way; `attempt` is its number where no other may answer for it. The caller's
   * wait bounds it: a synchronous one by the attempt's own time, except where the attempt is not this call's.
   */
  async #settle(connection: Connection, waiting: Waiting, attempt: number | null): Promise<Opened> {
    if (waiting.async && waiting.waitMs === 0) return { connection, done: false };
    // A synchronous call's own attempt ends in time and says at which stage; the margin is for one it has joined.
    const waitMs = waiting.async ? waiting.waitMs : waiting.waitMs + joinMarginMs;
    using over = deadline(waitMs, waiting.signal);
    const superseded = ({ attempts }: Machine) => attempt !== null && attempts !== attempt;
    const release = this.#registry.hold(connection.id);
    const machine = await connection
      .until((m) => attemptEnded(m) || superseded(m), over.signal)
      .finally(release);
    if (machine === null) return this.#unsettled(connection, waiting);
    if (machine.state.name === "connected" && !superseded(machine)) return { connection, done: true };
    if (waiting.async) return { connection, done: false };
    if (superseded(machine))
      throw new Problem("superseded", "Another call began a newer attempt with other credentials");
    const { state, lastError } = machine;
    const ended = state.name === "closing" || (state.name === "closed" && state.cause !== "refused");
    throw ended || lastError === null ? closedMeanwhile(machine) : failureProblem(lastError.failure);
  }

  #unsettled(connection: Connection, { signal, async, waitMs }: Waiting): Opened {
    if (signal.aborted) {
      // Kept ones go on without their caller; one that nobody was promised does not.
      if (!connection.machine.kept)
        connection.close({ cause: "caller-left", drainMs: 0, force: true, reasonCode: 0 });
      throw new CallerLeft();
    }
    if (async) return { connection, done: false };
    throw new Problem(
      "connect-timeout",
      `The attempt under way has not ended within ${waitMs} ms; it goes on`,
    );
  }
}

/** A connection that cannot be kept as it was promised is given up, and its caller told why. */
async function orGiveUp(connection: Connection, saved: Promise<void>): Promise<void> {
  try {
    await saved;
  } catch (error) {
    connection.close({ cause: "refused", drainMs: 0, force: false, reasonCode: 0 });
    throw error;
  }
}

/** @throws {Problem} `outbox-not-empty` where messages were accepted that another connection would not keep */
function refuseToLose({ session }: Connection): void {
  const waiting = session.parts.outbox?.waiting ?? 0;
  if (waiting === 0) return;
  throw new Problem("outbox-not-empty", {
    detail: `${waiting} messages wait in the outbox, and a connection that is not durable cannot keep them`,
    hint: "Wait until they are delivered, delete them, or keep the connection durable.",
  });
}

/** A generated client id stays the connection's, where the new request lets it: MQTT 3.1 takes 23 bytes at most. */
function carriedClientId(old: Connection, request: ConnectionRequest): string | null {
  const generated = old.request.clientId === undefined && request.clientId === undefined;
  return generated && (request.protocolVersion !== "3.1" || old.clientId.length <= 23) ? old.clientId : null;
}
