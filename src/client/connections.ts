import type { ClosedConnection, Connection, ProbeResult, State } from "./connection.ts";
import type { ConnectionRequest, TlsOptions } from "./connection-request.ts";
import { path, type CallOptions, type Http } from "./http.ts";

/** How long the call waits for the CONNACK, in seconds: 10 unless told, 60 at most, and 0 answers at once. */
export interface WaitOptions extends CallOptions {
  readonly wait?: number;
}

export interface CreateOptions extends WaitOptions {
  /** The same key within 24 h gives the first answer again, so that the call can be repeated. */
  readonly idempotencyKey?: string;
}

export interface ListOptions extends CallOptions {
  readonly state?: State;
  /** All of these must hold. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Items on a page: 100 unless told, 1,000 at most. */
  readonly limit?: number;
}

/** How a connection ends; the DISCONNECT's fields exist only in MQTT 5. */
export interface DeleteOptions extends CallOptions {
  /** For what is in flight; 5,000 unless told. */
  readonly drainMs?: number;
  /** 4 has the broker publish the will. */
  readonly reasonCode?: 0 | 4;
  readonly sessionExpiryInterval?: number;
  /** Without DISCONNECT. */
  readonly force?: boolean;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** `/connections` and `/probe`. */
export class Connections {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Opens a connection and waits for the CONNACK: it is connected when this resolves, and not there when it throws. */
  create(
    request: ConnectionRequest & { readonly id?: string },
    options: CreateOptions = {},
  ): Promise<Connection> {
    const { wait, idempotencyKey, signal } = options;
    return this.#http.json("POST", "/connections", {
      query: { wait },
      body: request,
      headers: { "idempotency-key": idempotencyKey },
      signal,
    });
  }

  /** Creates the connection, or replaces one whose request differs; the same request again changes nothing. */
  put(id: string, request: ConnectionRequest, { wait, signal }: WaitOptions = {}): Promise<Connection> {
    return this.#http.json("PUT", path`/connections/${id}`, { query: { wait }, body: request, signal });
  }

  /** With `wait` (seconds) and `since`, answers when the version differs from `since`, or the time is over. */
  get(id: string, options: WaitOptions & { readonly since?: number } = {}): Promise<Connection> {
    const { wait, since, signal } = options;
    return this.#http.json("GET", path`/connections/${id}`, { query: { wait, since }, signal });
  }

  /** All of them, page after page as they are asked for. */
  async *list({ state, labels = {}, limit, signal }: ListOptions = {}): AsyncGenerator<Connection, void> {
    const label = Object.entries(labels).map(([name, value]) => `${name}:${value}`);
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = { state, label, limit, cursor };
      const page: Page<Connection> = await this.#http.json("GET", "/connections", { query, signal });
      yield* page.items;
      cursor = page.next;
    }
  }

  /** Dials now, also from `failed`; with new credentials, where they are given. */
  reconnect(
    id: string,
    credentials: Pick<ConnectionRequest, "username" | "password" | "passwordEncoding"> & {
      readonly tls?: TlsOptions;
    } = {},
    { wait, signal }: WaitOptions = {},
  ): Promise<Connection> {
    return this.#http.json("POST", path`/connections/${id}/reconnect`, {
      query: { wait },
      body: credentials,
      signal,
    });
  }

  /** Asks the broker for a sign of life, and tells how long it took. */
  ping(id: string, { wait, signal }: WaitOptions = {}): Promise<{ readonly rttMs: number }> {
    return this.#http.json("POST", path`/connections/${id}/ping`, { query: { wait }, signal });
  }

  /** Ends the connection, gracefully unless told. */
  delete(id: string, { signal, ...query }: DeleteOptions = {}): Promise<ClosedConnection> {
    return this.#http.json("DELETE", path`/connections/${id}`, { query, signal });
  }

  /** Tells how far a connect attempt comes, and keeps nothing; `roundTrip` names a topic to send a message over. */
  probe(
    request: ConnectionRequest,
    { wait, roundTrip, signal }: WaitOptions & { readonly roundTrip?: string } = {},
  ): Promise<ProbeResult> {
    return this.#http.json("POST", "/probe", { query: { wait, roundTrip }, body: request, signal });
  }
}
