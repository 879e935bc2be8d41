import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** A listening server together with the sockets it has accepted, so that closing leaves nothing behind. */
export interface LoopbackServer {
  readonly port: number;
  /** Accepted and not yet closed; for TLS these are the TCP sockets underneath. */
  readonly sockets: ReadonlySet<Socket>;
  /** Resolves when no accepted socket is open, now or later. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0, the default, lets the kernel choose. */
export async function listenOnLoopback(server: Server, port = 0): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  const idling = new Set<() => void>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const resolve of idling) resolve();
      idling.clear();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("A TCP server has no port");
  return {
    port: address.port,
    sockets,
    idle: () =>
      new Promise((resolve) => {
        if (sockets.size === 0) resolve();
        else idling.add(resolve);
      }),
    async close() {
      if (!server.listening) return;
      // The callback is not awaited: it is told only when every handle is gone, which one runtime
      // counts differently for sockets that were upgraded.
      server.close();
      await Promise.all(
        [...sockets].map(
          // Not once(), which rejects when the socket happens to fail at this moment.
          (socket) => new Promise((resolve) => socket.once("close", resolve).destroy()),
        ),
      );
    },
  };
}
