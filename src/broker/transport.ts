import type { Duplex } from "node:stream";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { dial } from "./dial.ts";
import type { EgressPolicy } from "../egress/policy.ts";
import { forbiddenFailure, resolveAllowed } from "./egress.ts";
import { AttemptError, socketFailure, type Stage } from "./failure.ts";
import type { Address, Resolve } from "./resolver.ts";
import { explainTlsError, openTls } from "./tls.ts";
import { openWebSocket } from "./websocket-stream.ts";

/** What the way to the broker is made of; owned by the composition root. */
export interface TransportDeps {
  readonly resolve: Resolve;
  readonly policy: EgressPolicy;
  readonly maxPacketBytes: number;
  /** Hears when the certificate of a broker that speaks TLS ends, in epoch milliseconds; absent where nobody asks. */
  readonly onCertificate?: (endsAt: number) => void;
}

/** An open way to the broker, over which CONNECT can be sent. */
export interface OpenTransport {
  readonly stream: Duplex;
  /** The address that was checked and dialled. */
  readonly address: string;
  /** The first error of the stream so far, which may have come before anybody else listened; null without one. */
  readonly error: () => unknown;
}

type Wanted = Pick<ConnectionRequest, "target" | "tls" | "websocket" | "bindAddress">;

/**
 * Resolves, checks, dials, and speaks TLS and WebSocket as asked; `onStage` hears of each step as it begins, and
 * `onChecked` of the addresses, before any is dialled. Aborting `signal` destroys whatever is open.
 *
 * @throws {AttemptError} with the stage that failed; or the signal's reason
 */
export async function openTransport(
  wanted: Wanted,
  deps: TransportDeps,
  signal: AbortSignal,
  onStage: (stage: Stage) => void,
  onChecked: (addresses: readonly Address[]) => void = ignore,
): Promise<OpenTransport> {
  const { host, port, transport } = wanted.target;
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  onStage("dns");
  const addresses = await abortable(resolveAllowed(wanted.target, deps.resolve, deps.policy), signal);
  onChecked(addresses);
  onStage("tcp");
  const dialNow = async () => {
    const opened = await dial(addresses, where, { port, bindAddress: wanted.bindAddress, signal });
    // The policy may have become tighter while it was dialled: nothing is said to what is forbidden now.
    const dialled = opened.remoteAddress === undefined ? addresses : [{ address: opened.remoteAddress }];
    if (dialled.every(({ address }) => deps.policy.check(host, port, address))) return opened;
    opened.destroy();
    throw new AttemptError(forbiddenFailure);
  };
  const socket = await dialNow();
  const address = socket.remoteAddress ?? addresses[0]?.address ?? host;
  let stream: Duplex = socket;
  let firstError: unknown = null;
  const note = (error: unknown) => (firstError ??= error);
  const onAbort = () => stream.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (transport === "tls" || transport === "wss") {
      onStage("tls");
      const secure = await openTls(socket, wanted, note).catch(async (error: unknown) => {
        const explained = await explainTlsError(error, wanted, dialNow, signal);
        throw new AttemptError(socketFailure(explained, "tls", where));
      });
      stream = secure;
      deps.onCertificate?.(Date.parse(secure.getPeerCertificate().valid_to));
    }
    if (transport === "ws" || transport === "wss") {
      onStage("websocket");
      stream = await openWebSocket(stream, webSocketOptions(wanted, where, deps.maxPacketBytes));
      stream.on("error", ignore);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (signal.aborted) {
    stream.destroy();
    throw signal.reason;
  }
  return { stream, address, error: () => firstError };
}

function ignore(): void {}

/** The promise, or the signal's reason as soon as it aborts; what the promise waits for goes on unobserved. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function webSocketOptions({ target, websocket }: Wanted, where: string, maxPacketBytes: number) {
  const headers = Object.entries(websocket?.headers ?? {}).map(([name, value]) => [name, value.reveal()]);
  return {
    url: `${target.transport}://${where}${target.path}`,
    protocol: websocket?.protocol ?? "mqtt",
    headers: Object.fromEntries(headers) as Record<string, string>,
    // Room for a few small packets in the message that carries a largest one.
    maxMessageBytes: maxPacketBytes + 65_536,
  };
}
