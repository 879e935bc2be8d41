import http from "node:http";
import type { ConnackApp } from "../app.ts";
import type { Peer } from "../stream/vanished.ts";
import type { Certificate } from "./certificate.ts";
import { tooManyCalls, type HttpLimits } from "./limits.ts";
import { Rim, type CallOptions } from "./rim.ts";
import type { Serving } from "./serving.ts";

/** What of Bun is used. */
export interface BunRuntime {
  readonly version: string;
  serve(options: object): BunServer;
}

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  /** Calls whose answer is not complete. */
  readonly pendingRequests: number;
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): Peer | null;
  stop(force: boolean): Promise<void>;
}

/** Older versions lack what WebSocket streams, `localAddress` and `http2` need. */
const leastBun = [1, 4, 5] as const;

/** An answer may be silent for so long, unless it is held open; less would cut calls that wait a little. */
const leastSilenceSeconds = 30;

/**
 * Bun's own server, which itself closes connections whose first head has not come within 12 seconds, and those that are
 * idle, whatever trickles in (`docs/decisions/0007`).
 */
export function serveOnBun(
  runtime: BunRuntime,
  app: Pick<ConnackApp, "fetch">,
  hostname: string,
  port: number,
  limits: HttpLimits,
  certificate: Certificate | null,
): Serving {
  requireBun(runtime.version);
  // The process's, and the only place where it can be set for this server too, which its types do not know.
  Object.assign(http, { maxHeaderSize: limits.maxHeaderBytes });
  const rim = new Rim(app, limits);
  const idleSeconds = Math.ceil(limits.httpIdleTimeoutMs / 1_000);
  const server = runtime.serve({
    hostname,
    port,
    idleTimeout: idleSeconds,
    ...(certificate === null ? {} : { tls: certificate, http2: true }),
    // Else a defect is answered with a page that has our sources on it.
    development: false,
    // What that turns on with it: a second server on this address, with calls for one or the other.
    reusePort: false,
    error: () => new Response(null, { status: 500 }),
    // Bodies are limited by the routes, with an answer that says so.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request, self: BunServer) =>
      self.pendingRequests > limits.maxHttpConnections
        ? tooManyCalls()
        : answer(rim, request, self, idleSeconds),
  });
  return {
    hostname: server.hostname,
    port: server.port,
    secure: certificate !== null,
    stop: async () => {
      await stop(server, limits.shutdownGraceMs);
      rim[Symbol.dispose]();
    },
  };
}

/** How long there must be no call under way for there to be none that has yet to be written, and how often is looked. */
const quietMs = 100;
const lookMs = 20;

/** The runtime itself would wait for connections on which half a head has come, too. */
async function stop(server: BunServer, graceMs: number): Promise<void> {
  const startedAt = performance.now();
  let busyAt = startedAt;
  const looking = setInterval(() => {
    const now = performance.now();
    if (server.pendingRequests > 0) busyAt = now;
    if (now - busyAt >= quietMs || now - startedAt >= graceMs) void server.stop(true);
  }, lookMs);
  await server.stop(false);
  clearInterval(looking);
}

/** The runtime has one limit for the silence of an answer and for that after it. */
function answer(
  rim: Rim,
  request: Request,
  server: BunServer,
  idleSeconds: number,
): Response | Promise<Response> {
  const silenceSeconds = Math.max(leastSilenceSeconds, idleSeconds);
  const call = new BunCall(request, server, silenceSeconds);
  if (silenceSeconds === idleSeconds) return rim.call(request, call, null);
  server.timeout(request, silenceSeconds);
  return rim.call(request, call, () => {
    if (!call.isHeld) server.timeout(request, idleSeconds);
  });
}

class BunCall implements CallOptions {
  readonly #request: Request;
  readonly #server: BunServer;
  readonly #silenceSeconds: number;
  #held = 0;

  constructor(request: Request, server: BunServer, silenceSeconds: number) {
    this.#request = request;
    this.#server = server;
    this.#silenceSeconds = silenceSeconds;
  }

  get isHeld(): boolean {
    return this.#held > 0;
  }

  peer(): Peer | null {
    return this.#server.requestIP(this.#request);
  }

  holdOpen(): () => void {
    this.#held += 1;
    this.#server.timeout(this.#request, 0);
    return () => {
      this.#held -= 1;
      if (this.#held === 0) this.#server.timeout(this.#request, this.#silenceSeconds);
    };
  }
}

function requireBun(version: string): void {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  const order =
    leastBun.map((least, index) => (parts[index] ?? 0) - least).find((difference) => difference !== 0) ?? 0;
  if (order < 0) throw new Error(`Connack needs Bun ${leastBun.join(".")} or newer, and this is ${version}`);
}
