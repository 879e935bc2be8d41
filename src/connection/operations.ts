import type { Clock } from "../clock.ts";
import { Problem } from "../problem.ts";
import type { Connection } from "./connection.ts";
import { closedMeanwhile, failureProblem, notConnectedProblem } from "./problems.ts";
import type { Registry } from "./registry.ts";
import { fingerprint, type ConnectionRequest } from "../request/connection-request.ts";
import type { Machine } from "./state.ts";

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
  readonly sessionExpiryInterval: number | undefined;
}

/** The caller has gone; there is nobody to answer. */
export class CallerLeft extends Error {}

const attemptEnded = ({ state }: Machine) => state.name !== "connecting";
const isClosed = ({ state }: Machine) => state.name === "closed";

/** What the HTTP calls do with connections, one method each. */
export class Operations {
  readonly #registry: Registry;
  readonly #clock: Clock;
  /** PUTs of one id run one after the other. */
  readonly #putting = new Map<string, Promise<void>>();

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
    const connection = this.#registry.add(id, request, { kept: waiting.async, clientId: null });
    connection.dial("create", waiting.async ? null : waiting.waitMs);
    return this.#settle(connection, waiting);
  }

  /** Creates, or replaces a different request; the same again changes nothing. `created` tells which. */
  async put(
    id: string,
    request: ConnectionRequest,
    waiting: Waiting,
  ): Promise<Opened & { readonly created: boolean }> {
    const before = this.#putting.get(id);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#putting.set(id, promise);
    try {
      await before;
      return await this.#put(id, request, waiting);
    } finally {
      if (this.#putting.get(id) === promise) this.#putting.delete(id);
      resolve();
    }
  }

  async #put(
    id: string,
    request: ConnectionRequest,
    waiting: Waiting,
  ): Promise<Opened & { readonly created: boolean }> {
    const old = this.#registry.find(id);
    if (old === null) return { ...(await this.create(id, request, waiting)), created: true };
    if (old.machine.state.name !== "closing" && fingerprint(old.request) === fingerprint(request)) {
      return { connection: old, done: true, created: false };
    }
    old.close({ cause: "replaced", drainMs: 5_000, force: false, reasonCode: 0 });
    await old.until(isClosed, new AbortController().signal);
    const clientId =
      old.request.clientId === undefined && request.clientId === undefined ? old.clientId : null;
    const connection = this.#registry.add(id, request, { kept: true, clientId });
    connection.dial("replace", waiting.async ? null : waiting.waitMs);
    return { ...(await this.#settle(connection, waiting)), created: false };
  }

  /** Dials now, with new credentials where given; from `connected`, after a graceful disconnect. */
  async reconnect(
    connection: Connection,
    credentials: Parameters<Connection["setCredentials"]>[0],
    waiting: Waiting,
  ): Promise<Opened> {
    const since = this.#clock.monotonic();
    if (connection.machine.state.name === "connecting") {
      const ended = await this.#attemptUnderWay(connection, waiting);
      if (ended && Object.keys(credentials).length === 0) return this.#settle(connection, waiting);
      if (!ended) {
        connection.setCredentials(credentials);
        return { connection, done: false };
      }
    }
    connection.setCredentials(credentials);
    const leftMs = Math.max(100, waiting.waitMs - (this.#clock.monotonic() - since));
    connection.dial("reconnect", waiting.async ? null : leftMs);
    return this.#settle(connection, waiting);
  }

  /**
   * Waits for the end of an attempt that another call, or the back-off, has begun: it has the old credentials, and must
   * not be what answers for new ones. It is not bounded by this call's wait, so that this is; false when the wait of an
   * asynchronous call ended first.
   */
  async #attemptUnderWay(connection: Connection, { waitMs, signal, async }: Waiting): Promise<boolean> {
    const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
    if ((await connection.until(attemptEnded, over)) !== null) return true;
    if (signal.aborted) throw new CallerLeft();
    if (async) return false;
    throw new Problem(
      "connect-timeout",
      `The attempt under way has not ended within ${waitMs} ms; it goes on`,
    );
  }

  /** @throws {Problem} `ping-timeout`, `not-connected`, `temporarily-not-connected`, `connection-lost` */
  async ping(connection: Connection, timeoutMs: number): Promise<number> {
    if (connection.machine.state.name !== "connected")
      throw notConnectedProblem(connection.machine, this.#clock.wall());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, timeoutMs, "late");
    });
    const result = await Promise.race([connection.ping(), late]);
    clearTimeout(timer);
    if (result === "late") throw new Problem("ping-timeout", `No PINGRESP within ${timeoutMs} ms`);
    if (result === null) throw new Problem("connection-lost", "The connection was lost before PINGRESP came");
    return result;
  }

  /** Closes and resolves when closed, which is bounded by `drainMs` and a margin. A second call joins the first. */
  async close(connection: Connection, request: CloseRequest): Promise<void> {
    connection.close({ cause: "deleted", ...request });
    await connection.until(isClosed, new AbortController().signal);
  }

  async #settle(connection: Connection, waiting: Waiting): Promise<Opened> {
    if (waiting.async && waiting.waitMs === 0) return { connection, done: false };
    const signal = waiting.async
      ? AbortSignal.any([waiting.signal, AbortSignal.timeout(waiting.waitMs)])
      : waiting.signal;
    const machine = await connection.until(attemptEnded, signal);
    if (machine?.state.name === "connected") return { connection, done: true };
    if (waiting.async) return { connection, done: false };
    if (machine === null) {
      // Kept ones go on without their caller; one that nobody was promised does not.
      if (!connection.machine.kept)
        connection.close({ cause: "caller-left", drainMs: 0, force: true, reasonCode: 0 });
      throw new CallerLeft();
    }
    const { state, lastError } = machine;
    const ended = state.name === "closing" || (state.name === "closed" && state.cause !== "refused");
    throw ended || lastError === null ? closedMeanwhile(machine) : failureProblem(lastError.failure);
  }
}
