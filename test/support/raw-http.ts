import { connect, type Socket } from "node:net";

/** Bytes on a network connection of their own, and what came back until the other end closed it. */
export interface RawExchange {
  readonly text: string;
  /** Of all answers, in their order. */
  readonly statuses: readonly number[];
  readonly ms: number;
}

export interface RawOptions {
  /** Sent again and again, so many milliseconds apart, until the end. */
  readonly drip?: { readonly bytes: string; readonly everyMs: number };
}

/** Every status line in it; no body has one. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status));
}

/** Resolves when the server has closed. */
export function rawExchange(
  port: number,
  bytes: string | Uint8Array,
  { drip }: RawOptions = {},
): Promise<RawExchange> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    // A reset is an end like any other.
    socket.on("error", () => {});
    if (bytes.length > 0) socket.write(bytes);
    const timer = drip && setInterval(() => socket.write(drip.bytes), drip.everyMs);
    socket.on("close", () => {
      clearInterval(timer);
      resolve({ text, statuses: statusesIn(text), ms: performance.now() - startedAt });
    });
  });
}

/** An open socket on which nothing more happens. */
export function rawSocket(port: number, bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.removeListener("error", reject);
      socket.on("error", () => {});
      if (bytes === "") resolve(socket);
      else socket.write(bytes, () => resolve(socket));
    });
    socket.once("error", reject);
  });
}
