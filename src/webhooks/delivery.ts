import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AttemptError, type Failure } from "../broker/failure.ts";
import { openTransport, type TransportDeps } from "../broker/transport.ts";
import { deadline } from "../deadline.ts";
import { displayEndpoint, type Endpoint } from "./endpoint.ts";
import { parseRetryAfter } from "./schedule.ts";

/** How one attempt ended. `gone`: 410, the endpoint wants no more. `cancelled`: we hung up. */
export type Outcome =
  | { readonly type: "accepted"; readonly status: number }
  | { readonly type: "cancelled" }
  | DeliveryFailure;

export interface DeliveryFailure {
  readonly type: "failed" | "gone";
  /** Null where no answer came. */
  readonly status: number | null;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterMs: number | null;
}

export interface Posting {
  readonly endpoint: Endpoint;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface DeliveryDeps extends TransportDeps {
  /** Epoch milliseconds. */
  readonly wall: () => number;
  /** Hears of errors that are defects of ours. */
  readonly report: (error: unknown) => void;
}

/** Of a response; more is of no interest, and there may be any amount of it. */
const mostResponseBytes = 4_096;

/**
 * One exchange: resolves the name, checks every address, dials what was checked, and posts. Redirects are not followed:
 * what is behind them was not checked. Never rejects.
 */
export async function deliver(
  posting: Posting,
  deps: DeliveryDeps,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { endpoint } = posting;
  using over = deadline(timeoutMs, signal);
  let stream: Duplex | null = null;
  try {
    ({ stream } = await openTransport(targetOf(endpoint), deps, over.signal, () => {}));
    const { status, retryAfter } = await exchange(posting, stream, over.signal);
    return judge(status, parseRetryAfter(retryAfter, deps.wall()));
  } catch (error) {
    if (signal.aborted) return { type: "cancelled" };
    const where = displayEndpoint(endpoint);
    if (over.signal.aborted)
      return failed("timeout", `${where} did not answer in full within ${timeoutMs} ms`);
    if (error instanceof AttemptError) return connectFailure(error.failure, where);
    if (error instanceof ExchangeError) return failed(error.code, `${where} ${error.message}`);
    deps.report(error);
    return failed("internal-error", "Connack failed while delivering; its log has the details");
  } finally {
    stream?.destroy();
  }
}

function targetOf({ secure, host, port }: Endpoint): Parameters<typeof openTransport>[0] {
  const transport = secure ? "tls" : "tcp";
  return {
    target: { transport, host, port, path: "" },
    tls: undefined,
    websocket: undefined,
    bindAddress: undefined,
  };
}

function failed(code: string, detail: string): DeliveryFailure {
  return { type: "failed", status: null, code, detail, retryAfterMs: null };
}

/** The sentences of a TLS failure speak of brokers. */
function connectFailure({ code, detail, cause }: Failure, where: string): DeliveryFailure {
  return failed(code, code === "tls-error" ? `TLS with ${where} failed: ${cause ?? "handshake"}` : detail);
}

function judge(status: number, retryAfterMs: number | null): Outcome {
  if (status >= 200 && status < 300) return { type: "accepted", status };
  if (status === 410)
    return { type: "gone", status, code: "gone", detail: "The endpoint answered 410", retryAfterMs: null };
  const redirected = status >= 300 && status < 400;
  return {
    type: "failed",
    status,
    code: redirected ? "redirected" : "refused",
    detail: redirected
      ? `The endpoint answered ${status}; redirects are not followed`
      : `The endpoint answered ${status}`,
    retryAfterMs: status === 429 || status === 503 ? retryAfterMs : null,
  };
}

/** What the other end did instead of answering; the message completes "host:port …". */
class ExchangeError extends Error {
  readonly code: "connection-reset" | "malformed-response";

  constructor(code: ExchangeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Gives the one stream to its one request. With `lookup` the runtime would dial, and choose among addresses by itself. */
class OneStream extends Agent {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    super({ keepAlive: false });
    this.#stream = stream;
  }

  override createConnection(): Duplex {
    return this.#stream;
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

function exchange({ endpoint, headers, body }: Posting, stream: Duplex, over: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cut = () => {
      reject(new ExchangeError("connection-reset", "closed the connection before it had answered in full"));
    };
    if (over.aborted) return cut();
    over.addEventListener("abort", cut, { once: true });
    const posted = request({
      agent: new OneStream(stream),
      method: "POST",
      path: endpoint.path,
      headers: {
        host: endpoint.authority,
        "content-length": Buffer.byteLength(body),
        "user-agent": "Connack",
        ...headers,
      },
    });
    listen(posted, resolve, reject, cut);
    posted.once("close", () => over.removeEventListener("abort", cut));
    posted.end(body);
  });
}

function listen(
  posted: ClientRequest,
  resolve: (answer: Answer) => void,
  reject: (error: unknown) => void,
  cut: () => void,
): void {
  posted.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith("HPE_") === true)
      reject(new ExchangeError("malformed-response", "did not answer as an HTTP server does"));
    else cut();
  });
  posted.on("close", cut);
  posted.on("response", (response: IncomingMessage) => {
    const answer = { status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] };
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= mostResponseBytes) resolve(answer);
    });
    response.on("end", () => resolve(answer));
    for (const event of ["aborted", "error", "close"]) response.on(event, cut);
  });
}
