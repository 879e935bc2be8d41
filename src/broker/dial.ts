import { connect, type Socket } from "node:net";
import { AttemptError, bindFailure, errorCode, socketFailure, type Failure } from "./failure.ts";
import type { Address } from "./resolver.ts";

export interface DialOptions {
  readonly port: number;
  readonly bindAddress: string | undefined;
  readonly signal: AbortSignal;
}

/** An address gets this long alone before the next one is dialled beside it (RFC 8305 §5). */
const headStartMs = 250;

/**
 * Opens a TCP connection to the first of `addresses` that answers; the next is tried when one fails, or beside it when
 * it is slow. Sockets that lose are destroyed.
 *
 * @throws {AttemptError} of the address that failed first, when all have
 */
export function dial(addresses: readonly Address[], where: string, options: DialOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const waiting = [...addresses];
    let first: Failure | null = null;
    let headStart: ReturnType<typeof setTimeout> | undefined;
    const finish = (act: () => void) => {
      clearTimeout(headStart);
      options.signal.removeEventListener("abort", onAbort);
      for (const socket of open) socket.destroy();
      open.clear();
      act();
    };
    const onAbort = () => finish(() => reject(options.signal.reason));
    const fail = (failure: Failure) => {
      first ??= failure;
      const last = first;
      if (waiting.length > 0) next();
      else if (open.size === 0) finish(() => reject(new AttemptError(last)));
    };
    const next = () => {
      clearTimeout(headStart);
      const address = waiting.shift();
      if (address === undefined) return;
      const socket = openSocket(address, options, fail, where);
      if (socket === null) return;
      open.add(socket);
      const onError = (error: Error) => {
        if (open.delete(socket)) fail(dialFailure(error, where, options.bindAddress));
      };
      socket.once("error", onError);
      socket.once("connect", () => {
        if (!open.delete(socket)) {
          // One runtime completes a connect that was given up.
          socket.destroy();
          return;
        }
        socket.setNoDelay(true);
        // From here on somebody always listens for errors: one without a listener would end the process. It is not
        // the listener above, which would keep all of this in memory for as long as the connection lasts.
        socket.on("error", ignore).removeListener("error", onError);
        finish(() => resolve(socket));
      });
      if (waiting.length > 0) headStart = setTimeout(next, headStartMs);
    };
    if (options.signal.aborted) onAbort();
    else {
      options.signal.addEventListener("abort", onAbort, { once: true });
      next();
    }
  });
}

function ignore(): void {}

function openSocket(
  { address, family }: Address,
  { port, bindAddress }: DialOptions,
  fail: (failure: Failure) => void,
  where: string,
): Socket | null {
  if (bindAddress !== undefined && (bindAddress.includes(":") ? 6 : 4) !== family) {
    fail(bindFailure(`the broker's address is of the other family (${address})`));
    return null;
  }
  try {
    return connect({
      host: address,
      port,
      ...(bindAddress === undefined ? {} : { localAddress: bindAddress }),
    });
  } catch (error) {
    fail(dialFailure(error, where, bindAddress));
    return null;
  }
}

function dialFailure(error: unknown, where: string, bindAddress: string | undefined): Failure {
  // One runtime says EINVAL where the others say EADDRNOTAVAIL.
  if (bindAddress !== undefined && errorCode(error) === "EINVAL")
    return bindFailure("it is not an address of this machine");
  return socketFailure(error, "tcp", where);
}
