import type { Socket } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import ipaddr from "ipaddr.js";
import type { ConnectionRequest } from "../request/connection-request.ts";
import { errorCode } from "./failure.ts";

type Wanted = Pick<ConnectionRequest, "target" | "tls">;

/**
 * Speaks TLS over an open connection and verifies the peer; rejects with the runtime's error, or with null where the
 * peer closed. `onError` hears of every error for as long as the stream lives: a broker's alert can come between the
 * end of the handshake and the moment at which the next layer listens.
 */
export function openTls(
  socket: Socket,
  wanted: Wanted,
  onError: (error: unknown) => void,
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const fail = (error: unknown) => {
    socket.destroy();
    reject(error);
  };
  try {
    const secure = connect({ ...tlsOptions(wanted), socket });
    const onClose = () => fail(null);
    secure.on("error", onError);
    secure.once("error", fail);
    secure.once("close", onClose);
    secure.once("secureConnect", () => {
      secure.removeListener("error", fail);
      secure.removeListener("close", onClose);
      resolve(secure);
    });
  } catch (error) {
    fail(error);
  }
  return promise;
}

function tlsOptions({ target, tls }: Wanted): ConnectionOptions {
  const name = tls?.serverName ?? target.host;
  return {
    host: target.host,
    rejectUnauthorized: tls?.verify ?? true,
    // The certificate must be for the name that was asked for, whatever address was dialled.
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(ipaddr.isValid(name) ? {} : { servername: name }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key.reveal() }),
    ...(tls?.alpnProtocols === undefined ? {} : { ALPNProtocols: tls.alpnProtocols }),
  };
}

/**
 * What {@link openTls} rejected with, made the same on every runtime: one says of a certificate that is out of date
 * that its issuer is unknown, and does not show it. So the peer is asked for it once more over a connection that
 * `redial` opens, and its dates are read; nothing is sent to it, and it is refused in any case.
 */
export async function explainTlsError(
  cause: unknown,
  { target, tls }: Wanted,
  redial: () => Promise<Socket>,
  signal: AbortSignal,
): Promise<unknown> {
  if (errorCode(cause) !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE") return cause;
  const socket = await redial().catch(() => null);
  if (socket === null) return cause;
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const onAbort = () => socket.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("error", () => {});
  // Without the client's certificate, which is none of this peer's business.
  const secure = connect({
    ...tlsOptions({ target, tls: undefined }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
    socket,
    rejectUnauthorized: false,
  });
  secure.on("error", () => resolve(null));
  secure.once("close", () => resolve(null));
  secure.once("secureConnect", () => resolve(outOfDate(secure)));
  const code = await promise;
  signal.removeEventListener("abort", onAbort);
  secure.destroy();
  socket.destroy();
  return code === null ? cause : { code };
}

function outOfDate(secure: TLSSocket): string | null {
  const { valid_from: from, valid_to: to } = secure.getPeerCertificate();
  const now = Date.now();
  if (Date.parse(to) < now) return "CERT_HAS_EXPIRED";
  return Date.parse(from) > now ? "CERT_NOT_YET_VALID" : null;
}
