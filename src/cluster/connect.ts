import { readFileSync } from "node:fs";
import {
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import type { Logger } from "../log.ts";
import { reasonOf, type Reason } from "./connect-reason.ts";

/** How the servers are reached. */
export interface NatsAccess {
  /** The setting that `urls` are of, for sentences. */
  readonly setting: string;
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

export interface ConnectOptions {
  readonly logger: Logger;
  /** Nobody waits any longer. */
  readonly signal?: AbortSignal;
  /** So long servers are waited for that are not there yet, in milliseconds. */
  readonly withinMs?: number;
}

/** Nodes and servers may be started at the same time. */
const usualWithinMs = 30_000;
const betweenMs = 500;
/** A server that hangs is noticed after twice this. */
const pingIntervalMs = 3_000;
const reconnectWaitMs = 200;
/** For the first connection, and for requests that say nothing else. */
const timeoutMs = 5_000;

/**
 * Connects to one of the servers, and again for as long as it takes whenever that is lost. Where none can be reached yet, it
 * tries for a while; a refusal is final.
 *
 * @throws {Error} with a sentence for the operator that says of each server why not
 */
export async function connectNats(access: NatsAccess, options: ConnectOptions): Promise<NatsConnection> {
  const { logger, signal, withinMs = usualWithinMs } = options;
  const common = optionsOf(access);
  const until = performance.now() + withinMs;
  for (let isFirst = true; ; isFirst = false) {
    signal?.throwIfAborted();
    const tried = await tryEach(access.urls.map(addressOf), common);
    if ("connection" in tried) return tried.connection;
    const sentence = `NATS (${access.setting}): ${tried.reasons.map(({ address, text }) => `${address}: ${text}`).join("; ")}`;
    if (tried.reasons.some(({ isFinal }) => isFinal) || performance.now() >= until) throw new Error(sentence);
    if (isFirst) logger.info("waiting for servers of NATS", { why: sentence });
    await pause(signal);
  }
}

type Tried =
  | { readonly connection: NatsConnection }
  | { readonly reasons: readonly (Reason & { readonly address: string })[] };

/** One after the other, in any order: of several at once, the client would tell what the last one said. */
async function tryEach(addresses: readonly string[], common: NodeConnectionOptions): Promise<Tried> {
  const reasons: (Reason & { readonly address: string })[] = [];
  for (const address of shuffled(addresses)) {
    try {
      const connection = await connect({ ...common, servers: [address] });
      addServers(connection, addresses);
      return { connection };
    } catch (error) {
      reasons.push({ address, ...reasonOf(error) });
    }
  }
  return { reasons };
}

/** Those that were not there at the start are tried, too, when this one is lost. */
function addServers(connection: NatsConnection, addresses: readonly string[]): void {
  const known = connection.getServers().map(({ listen }) => listen);
  connection.setServers([...new Set([...known, ...addresses])]);
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
  // Read again by the client whenever it connects; it would not say which one it could not read.
  for (const file of [caFile, certFile, keyFile]) if (file !== null) readFileSync(file);
  const tls = {
    ...(caFile === null ? {} : { caFile }),
    ...(certFile === null ? {} : { certFile }),
    ...(keyFile === null ? {} : { keyFile }),
  };
  return {
    name,
    timeout: timeoutMs,
    maxReconnectAttempts: -1,
    // Twice refused, it would close for ever, where somebody has changed a password on the servers first.
    ignoreAuthErrorAbort: true,
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

function addressOf({ host, port }: URL): string {
  return port === "" ? `${host}:4222` : host;
}

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list
    .map((each) => ({ each, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

function pause(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, betweenMs);
    signal?.addEventListener("abort", end);
  });
}
