import { createServer } from "node:net";
import { once } from "node:events";

/** A listener on every address of this machine, so that a connection by any spelling is seen. */
export interface Victim extends AsyncDisposable {
  readonly port: number;
  /** Connections that came. */
  readonly visits: number;
}

export async function startVictim(): Promise<Victim> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  }).listen(0, "::");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("A TCP server has no port");
  return {
    port: address.port,
    get visits() {
      return visits;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
