import type { Peer } from "../stream/vanished.ts";
import type { HttpLimits } from "./limits.ts";
import type { Rim } from "./rim.ts";

/** A network connection of Deno's. */
export interface DenoConn {
  readonly remoteAddr: { readonly hostname: string; readonly port: number };
  setNoDelay?(): void;
  close(): void;
}

interface CallInfo {
  /** Settles when the answer has been given to the network, or cannot be. */
  readonly completed: Promise<void>;
}

type Handler = (request: Request, info: CallInfo) => Promise<Response>;

/** Speaks HTTP on one connection until it is closed, or the signal cuts it. */
export type ServeOnConnection = (
  conn: DenoConn,
  signal: AbortSignal,
  handler: Handler,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => { readonly finished: Promise<void> };

/** What has been given to the runtime may still be on its way to the socket for a moment. */
const lingerMs = 100;

/** One network connection, with one deadline, which holds while nothing is asked on it. */
export class DenoConnection {
  /** Resolves when it is closed, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #limits: HttpLimits;
  readonly #rim: Rim;
  readonly #getPeer: () => Peer;
  readonly #mayBeHttp2: boolean;
  readonly #cut = new AbortController();
  /** Calls whose answer is not complete; several only in HTTP/2. */
  #calls = 0;
  #dueAt: number;
  #isOpen = true;
  /** Nothing more is answered, and after the calls that are under way it is closed. */
  #ending = false;
  readonly #over = () => {
    this.#calls -= 1;
    this.#dueAt = performance.now() + (this.#ending ? lingerMs : this.#limits.httpIdleTimeoutMs);
  };

  constructor(conn: DenoConn, serveOn: ServeOnConnection, rim: Rim, limits: HttpLimits, mayBeHttp2: boolean) {
    this.#mayBeHttp2 = mayBeHttp2;
    this.#limits = limits;
    this.#rim = rim;
    const { hostname: address, port } = conn.remoteAddr;
    this.#getPeer = () => ({ address, port });
    this.#dueAt = performance.now() + limits.headerTimeoutMs;
    conn.setNoDelay?.();
    const { finished } = serveOn(
      conn,
      this.#cut.signal,
      (request, info) => this.#answer(request, info),
      () => new Response(null, { status: 500 }),
      () => {},
    );
    const over = () => {
      this.#isOpen = false;
    };
    this.closed = finished.then(over, over);
  }

  closeIfDue(now: number): void {
    if (this.#calls === 0 && now >= this.#dueAt) this.cut();
  }

  /** Closes as soon as nothing is under way. */
  finish(): void {
    this.#ending = true;
    if (this.#calls === 0) this.#dueAt = Math.min(this.#dueAt, performance.now() + lingerMs);
  }

  cut(): void {
    // The runtime throws where it is closed already.
    if (this.#isOpen) this.#cut.abort();
  }

  async #answer(request: Request, info: CallInfo): Promise<Response> {
    this.#calls += 1;
    let held = false;
    const holdOpen = () => {
      held = true;
      return nothing;
    };
    const named = this.#mayBeHttp2 && !request.headers.has("host") ? withHost(request) : request;
    return this.#rim.call(named, { peer: this.#getPeer, holdOpen }, (ends) => {
      // The runtime sends `connection: close`, and leaves the closing to us.
      if (ends) this.#ending = true;
      // An answer that streams is one that was held open; to ask for the end of every answer costs more than all of this.
      if (held) info.completed.then(this.#over, this.#over);
      else this.#over();
    });
  }
}

/** In HTTP/2 it is `:authority`, which this runtime has in the URL only (RFC 9113 §8.3.1). */
function withHost(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.set("host", new URL(request.url).host);
  return new Request(request, { headers });
}

function nothing(): void {}
