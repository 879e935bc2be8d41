import type { ConnackApp } from "../app.ts";
import type { Certificate } from "./certificate.ts";
import { DenoConnection, type DenoConn, type ServeOnConnection } from "./deno-connection.ts";
import { sweepMs, type HttpLimits } from "./limits.ts";
import { Rim } from "./rim.ts";
import type { Serving } from "./serving.ts";

interface DenoListener {
  readonly addr: { readonly hostname: string; readonly port: number };
  accept(): Promise<DenoConn>;
  close(): void;
}

/** What of Deno is used. `internal` names what its own `node:http` is made of. */
export interface DenoRuntime {
  readonly version: { readonly deno: string };
  readonly internal: symbol;
  readonly [internal: symbol]: { readonly serveHttpOnConnection?: ServeOnConnection } | undefined;
  listen(options: object): DenoListener;
  listenTls(options: object): DenoListener;
}

const acceptAgainMs = 100;
const sweepAtStopMs = 20;

/**
 * Accepts connections itself and has Deno's HTTP server speak on each, which has no limits on time of its own: what
 * has sent no whole head in time, or is idle, is closed (`docs/decisions/0007`).
 */
export function serveOnDeno(
  runtime: DenoRuntime,
  app: Pick<ConnackApp, "fetch">,
  hostname: string,
  port: number,
  limits: HttpLimits,
  certificate: Certificate | null,
): Serving {
  const serveOn = runtime[runtime.internal]?.serveHttpOnConnection;
  if (serveOn === undefined)
    throw new Error(`Connack needs Deno 2.9, and this is ${runtime.version.deno}, which is not known to do`);
  const at = { hostname, port };
  const listener =
    certificate === null
      ? runtime.listen(at)
      : runtime.listenTls({ ...at, ...certificate, alpnProtocols: ["h2", "http/1.1"] });
  const { addr } = listener;
  const secure = certificate !== null;
  const server = new Accepting(listener, new Rim(app, limits), limits, serveOn, secure);
  void server.accept();
  return { ...addr, secure, stop: () => server.stop() };
}

class Accepting {
  readonly #listener: DenoListener;
  readonly #rim: Rim;
  readonly #limits: HttpLimits;
  readonly #serveOn: ServeOnConnection;
  readonly #secure: boolean;
  readonly #connections = new Set<DenoConnection>();
  #sweeper: ReturnType<typeof setInterval>;
  #stopped: (() => void) | null = null;
  #stopping = false;

  constructor(
    listener: DenoListener,
    rim: Rim,
    limits: HttpLimits,
    serveOn: ServeOnConnection,
    secure: boolean,
  ) {
    this.#secure = secure;
    this.#listener = listener;
    this.#rim = rim;
    this.#limits = limits;
    this.#serveOn = serveOn;
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs(limits));
  }

  /** Goes on until it is stopped, also when there are no file descriptors to accept with. */
  async accept(): Promise<void> {
    while (!this.#stopping) {
      const conn = await this.#listener.accept().catch(() => null);
      if (conn === null) {
        if (!this.#stopping) await new Promise((resolve) => setTimeout(resolve, acceptAgainMs));
      } else if (this.#stopping || this.#connections.size >= this.#limits.maxHttpConnections) {
        conn.close();
      } else {
        this.#serve(conn);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#listener.close();
    const over = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    for (const connection of this.#connections) connection.finish();
    clearInterval(this.#sweeper);
    this.#sweeper = setInterval(() => this.#sweep(), sweepAtStopMs);
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.cut();
    }, this.#limits.shutdownGraceMs);
    if (this.#connections.size > 0) await over;
    clearTimeout(cut);
    clearInterval(this.#sweeper);
    this.#rim[Symbol.dispose]();
  }

  #serve(conn: DenoConn): void {
    let connection: DenoConnection;
    try {
      connection = new DenoConnection(conn, this.#serveOn, this.#rim, this.#limits, this.#secure);
    } catch {
      // It was closed before it was looked at.
      return;
    }
    this.#connections.add(connection);
    void connection.closed.then(() => this.#forget(connection));
  }

  #forget(connection: DenoConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#stopped?.();
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.closeIfDue(now);
  }
}
