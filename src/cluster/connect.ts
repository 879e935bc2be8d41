import { readFileSync } from "node:fs";
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";

/** How the servers are reached. */
export interface NatsAccess {
  /** `nats://` or `tls://`, with a user and a password in the first one, if they are needed. */
  readonly urls: readonly URL[];
  /** A file as `nsc` writes it, with a JWT and its key. */
  readonly credentialsFile: string | null;
  /** Certificates of those that may sign the servers' ones, instead of the system's. */
  readonly caFile: string | null;
  /** With its key, what this client shows for itself. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** What the servers list this client under. */
  readonly name: string;
}

/** A server that hangs is noticed after twice this. */
const pingIntervalMs = 3_000;
const reconnectWaitMs = 200;
/** For the first connection, and for requests that say nothing else. */
const timeoutMs = 5_000;

/**
 * Connects to one of the servers, and again for as long as it takes whenever that is lost.
 *
 * @throws {Error} with a sentence for the operator, when none can be reached or they refuse
 */
export async function connectNats(access: NatsAccess): Promise<NatsConnection> {
  const shown = access.urls.map(({ host }) => host).join(", ");
  try {
    return await connect(optionsOf(access));
  } catch (error) {
    throw new Error(`NATS at ${shown}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function optionsOf({
  urls,
  credentialsFile,
  caFile,
  certFile,
  keyFile,
  name,
}: NatsAccess): NodeConnectionOptions {
  const user = urls.find(({ username }) => username !== "");
  const wantsTls = urls.some(({ protocol }) => protocol === "tls:") || caFile !== null;
  const tls = {
    ...(caFile === null ? {} : { caFile }),
    ...(certFile === null ? {} : { certFile }),
    ...(keyFile === null ? {} : { keyFile }),
  };
  return {
    servers: urls.map(({ host, port }) => (port === "" ? `${host}:4222` : host)),
    name,
    timeout: timeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectWaitMs,
    pingInterval: pingIntervalMs,
    maxPingOut: 2,
    ...(user === undefined ? {} : credentialsIn(user)),
    ...(credentialsFile === null ? {} : { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...(wantsTls ? { tls } : {}),
  };
}

/** A user name without a password is a token, as elsewhere with NATS. */
function credentialsIn({ username, password }: URL): Pick<NodeConnectionOptions, "user" | "pass" | "token"> {
  if (password === "") return { token: decodeURIComponent(username) };
  return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
