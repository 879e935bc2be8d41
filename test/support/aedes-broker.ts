import { createServer as createHttpServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { Aedes, type AedesOptions } from "aedes";
import type { Certificate } from "./certificates.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { readEverything } from "../../src/demo/read-everything.ts";
import { acceptWebSocket, rejectUpgrade } from "./websocket-stream.ts";

export type Transport = "tcp" | "tls" | "ws" | "wss";

export interface AedesBrokerOptions {
  /** tcp unless told. */
  readonly transport?: Transport;
  /** Must be there for tls and wss. */
  readonly certificate?: Certificate;
  /** Answer every WebSocket upgrade with this HTTP status. */
  readonly rejectUpgrade?: number;
  /** Anything else that aedes understands: authenticate, authorizePublish, maximumPacketSize and so on. */
  readonly aedes?: AedesOptions;
}

export interface AedesBroker extends AsyncDisposable {
  readonly port: number;
  /** mqtt://, mqtts://, ws:// or wss://, on 127.0.0.1; ws and wss take any path. */
  readonly url: string;
  readonly aedes: Aedes;
  /** What each WebSocket upgrade asked for, refused ones too. */
  readonly upgrades: readonly Upgrade[];
  /** The client id of every MQTT client that was accepted, in order. */
  readonly clientIds: readonly string[];
}

export interface Upgrade {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

const schemes = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const satisfies Record<
  Transport,
  string
>;

/** Runs aedes, an MQTT 3.1, 3.1.1 and 5 broker, in this process on a free loopback port. */
export async function startAedes(options: AedesBrokerOptions = {}): Promise<AedesBroker> {
  const { transport = "tcp" } = options;
  const upgrades: Upgrade[] = [];
  const clientIds: string[] = [];
  const aedes = await Aedes.createBroker({ maxClientsIdLength: 65_535, ...options.aedes });
  aedes.on("client", (client) => clientIds.push(client.id));

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.push({ path: request.url ?? "", headers: request.headers });
    if (options.rejectUpgrade !== undefined) void rejectUpgrade(socket, options.rejectUpgrade);
    else aedes.handle(readEverything(acceptWebSocket(request, socket, head)), request);
  };
  const server = createServer(transport, options.certificate, aedes, onUpgrade);
  const listening = await listenOnLoopback(server);
  return {
    port: listening.port,
    url: `${schemes[transport]}://127.0.0.1:${listening.port}`,
    aedes,
    upgrades,
    clientIds,
    async [Symbol.asyncDispose]() {
      await listening.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

function createServer(
  transport: Transport,
  certificate: Certificate | undefined,
  aedes: Aedes,
  onUpgrade: OnUpgrade,
): Server {
  if (transport === "tcp") return createTcpServer((socket) => aedes.handle(readEverything(socket)));
  if (transport === "ws") return createHttpServer().on("upgrade", onUpgrade);
  if (!certificate) throw new TypeError(`Cannot start aedes over ${transport} without a certificate`);
  const { cert, key } = certificate;
  if (transport === "wss") return createHttpsServer({ cert, key }).on("upgrade", onUpgrade);
  return createTlsServer({ cert, key }, (socket) => aedes.handle(readEverything(socket)));
}
