import { once } from "node:events";
import { createServer } from "node:net";

// Below Linux's ephemeral range (32768 to 60999): a port from inside it can be given to somebody's outgoing
// connection while a broker is down for a restart, and a client that redials it can even connect to itself.
const lowest = 20_000;
const highest = 32_000;

/** A port on 127.0.0.1 on which nothing listens now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await canListen(port)) return port;
  }
  throw new Error("Cannot find a free port on 127.0.0.1");
}

/** Whether nothing listens on a port of 127.0.0.1 now. */
export async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
