import type { ConnackApp } from "./app.ts";
import type { Peer } from "./stream/vanished.ts";

export interface Serving {
  readonly hostname: string;
  readonly port: number;
  /** Stops listening; requests under way are finished. */
  stop(): Promise<void>;
}

/** Older versions lack what WebSocket streams and `localAddress` need. */
const leastBun = [1, 4, 5] as const;

interface BunServer {
  readonly hostname: string;
  readonly port: number;
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): Peer | null;
  stop(force: boolean): Promise<void>;
}

interface Runtimes {
  readonly Bun?: { readonly version: string; serve(options: object): BunServer };
  readonly Deno?: {
    serve(
      options: object,
      handler: (
        request: Request,
        info: { readonly remoteAddr: { readonly hostname: string; readonly port: number } },
      ) => Response | Promise<Response>,
    ): DenoServer;
  };
}

interface DenoServer {
  readonly addr: { readonly hostname: string; readonly port: number };
  /** Settles when it listens no longer, for whatever reason. */
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

/** Idle HTTP connections are closed after so long, where the runtime can; waits and streams lift it for themselves. */
const idleTimeoutSeconds = 30;

/** Listens with the server of the runtime that runs this; the one place that knows which. */
export function serve(app: Pick<ConnackApp, "fetch">, hostname: string, port: number): Serving {
  const { Bun, Deno } = globalThis as Runtimes;
  if (Bun !== undefined) {
    requireBun(Bun.version);
    const server = Bun.serve({
      hostname,
      port,
      idleTimeout: idleTimeoutSeconds,
      // Bodies are limited by the routes, with an answer that says so.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request: Request, self: BunServer) =>
        app.fetch(request, {
          holdOpen: () => {
            self.timeout(request, 0);
            return () => self.timeout(request, idleTimeoutSeconds);
          },
          peer: () => self.requestIP(request),
        }),
    });
    return { hostname: server.hostname, port: server.port, stop: () => server.stop(false) };
  }
  if (Deno !== undefined) {
    const listen = (at: number) =>
      Deno.serve({ hostname, port: at, onListen: () => {} }, (request, { remoteAddr }) =>
        app.fetch(request, { peer: () => ({ address: remoteAddr.hostname, port: remoteAddr.port }) }),
      );
    return keepListening(port, listen);
  }
  throw new Error("Connack runs on Bun or Deno");
}

const listenAgainMs = 100;

/** Deno's server ends for good over one call that it cannot accept, as without file descriptors: it is begun again. */
function keepListening(port: number, listen: (port: number) => DenoServer): Serving {
  let server = listen(port);
  const { addr } = server;
  let stopping = false;
  const again = () => {
    if (stopping) return;
    try {
      server = listen(addr.port);
    } catch {
      setTimeout(again, listenAgainMs);
      return;
    }
    watch();
  };
  const watch = () => {
    const later = () => setTimeout(again, listenAgainMs);
    server.finished.then(later, later);
  };
  watch();
  return {
    ...addr,
    stop: () => {
      stopping = true;
      return server.shutdown();
    },
  };
}

function requireBun(version: string): void {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  const order =
    leastBun.map((least, index) => (parts[index] ?? 0) - least).find((difference) => difference !== 0) ?? 0;
  if (order < 0) throw new Error(`Connack needs Bun ${leastBun.join(".")} or newer, and this is ${version}`);
}
