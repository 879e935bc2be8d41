import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Certificate } from "./certificates.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { PeerClosed, ScriptedPeer } from "./scripted-peer.ts";

/** What the broker does with one connection. It may end with PeerClosed; another error fails the test. */
export type Script = (peer: ScriptedPeer) => void | Promise<void>;

export interface ScriptedBrokerOptions {
  readonly tls?: Certificate;
  /** Any free one unless told. */
  readonly port?: number;
}

/** Its disposal throws what scripts threw, PeerClosed apart. */
export interface ScriptedBroker extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Every connection so far, in order; over TLS only those whose handshake succeeded. */
  readonly peers: readonly ScriptedPeer[];
  /** The nth connection, counted from 1, now or when it comes. */
  connection(number: number): Promise<ScriptedPeer>;
  /** How many network connections are open now, those in a TLS handshake included. */
  liveCount(): number;
  /** Resolves when none is open, now or later. */
  idle(): Promise<void>;
}

/** A broker on 127.0.0.1 that does to every connection what the script says. */
export async function startScriptedBroker(
  script: Script,
  options: ScriptedBrokerOptions = {},
): Promise<ScriptedBroker> {
  const peers: ScriptedPeer[] = [];
  const failures: unknown[] = [];
  const waiting = new Map<number, PromiseWithResolvers<ScriptedPeer>>();

  const play = async (stream: Socket, reset: () => void) => {
    const peer = new ScriptedPeer(peers.length + 1, stream, reset);
    peers.push(peer);
    waiting.get(peer.number)?.resolve(peer);
    try {
      await script(peer);
    } catch (error) {
      if (!(error instanceof PeerClosed)) failures.push(error);
    }
  };
  const server = options.tls ? tlsServer(options.tls, play) : tcpServer(play);
  const listening = await listenOnLoopback(server, options.port);
  return {
    port: listening.port,
    url: `${options.tls ? "mqtts" : "mqtt"}://127.0.0.1:${listening.port}`,
    peers,
    connection(number) {
      const peer = peers[number - 1];
      if (peer) return Promise.resolve(peer);
      const coming = waiting.get(number) ?? Promise.withResolvers<ScriptedPeer>();
      waiting.set(number, coming);
      // A test that has failed elsewhere does not wait any more.
      coming.promise.catch(() => {});
      return coming.promise;
    },
    liveCount: () => listening.sockets.size,
    idle: () => listening.idle(),
    async [Symbol.asyncDispose]() {
      await listening.close();
      for (const { reject } of waiting.values()) reject(new PeerClosed("The scripted broker has closed"));
      if (failures.length > 0)
        throw new AggregateError(failures, `A broker script failed: ${failures.join("; ")}`);
    },
  };
}

type Play = (stream: Socket, reset: () => void) => Promise<void>;

function tcpServer(play: Play) {
  return createTcpServer((socket) => {
    void play(socket, () => socket.resetAndDestroy());
  });
}

function tlsServer({ cert, key }: Certificate, play: Play) {
  const server = createTlsServer({ cert, key });
  server.on("secureConnection", (socket) => void play(socket, () => socket.resetAndDestroy()));
  // A client that refuses our certificate is often the point of the test.
  server.on("tlsClientError", () => {});
  return server;
}
