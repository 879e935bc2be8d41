import { createServer, type Server, type Socket } from "node:net";
import { Aedes, type AedesOptions } from "aedes";
import { answerEchoes } from "./echo.ts";
import { readEverything } from "./read-everything.ts";

export interface DemoBroker {
  readonly port: number;
  /** Sends a text to whoever has subscribed to it. */
  readonly publish: (topic: string, payload: string) => void;
  readonly close: () => Promise<void>;
}

/**
 * An MQTT 3.1, 3.1.1 and 5 broker in this process, for trying Connack out: on loopback, on `port` or, where that is
 * taken, on a free one. It answers requests to `demo/echo`. Nothing in it survives the process.
 */
export async function startDemoBroker(port: number): Promise<DemoBroker> {
  const aedes = await Aedes.createBroker({ maxClientsIdLength: 65_535, authenticate });
  await answerEchoes(aedes);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(readEverything(socket));
  });
  const listeningPort = await listen(server, port).catch(() => listen(server, 0));
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    await closed;
  };
  const publish = (topic: string, payload: string) =>
    aedes.publish({ cmd: "publish", topic, payload, qos: 0, retain: false, dup: false }, () => {});
  return { port: listeningPort, publish, close };
}

/** Lets everybody in, but the user `demo` only with the password `demo`, so that a refusal can be tried out too. */
const authenticate: NonNullable<AedesOptions["authenticate"]> = (_client, username, password, done) => {
  const allowed = username !== "demo" || password?.toString() === "demo";
  if (allowed) done(null, true);
  else done(Object.assign(new Error("bad user name or password"), { returnCode: 4 as const }), false);
};

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.removeListener("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
