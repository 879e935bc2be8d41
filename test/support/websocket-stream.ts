import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { Duplex } from "node:stream";

/** The part of websocket-driver, which has no types of its own, that is used here. */
interface Driver extends EventEmitter {
  readonly io: EventEmitter & { write(chunk: Buffer): boolean };
  start(): boolean;
  binary(payload: Buffer): boolean;
  close(): boolean;
  readonly protocol: string | undefined;
}
interface WebSocketDriver {
  http(request: IncomingMessage, options: { maxLength: number; protocols: string[] }): Driver;
}

const websocket: WebSocketDriver = createRequire(import.meta.url)("websocket-driver");

/** Answers a WebSocket upgrade and carries its binary messages as a stream of bytes, with back-pressure. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Duplex {
  const driver = websocket.http(request, { maxLength: 64 * 1024 * 1024, protocols: ["mqtt", "mqttv3.1"] });
  const stream = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      driver.binary(chunk);
      if (socket.writableNeedDrain) socket.once("drain", () => done());
      else done();
    },
    final(done) {
      driver.close();
      done();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  driver.io.on("data", (chunk: Buffer) => socket.write(chunk));
  driver.on("message", ({ data }: { data: Buffer }) => {
    if (!stream.push(Buffer.from(data))) socket.pause();
  });
  driver.on("close", () => {
    stream.push(null);
    socket.end();
  });
  driver.on("error", (error: Error) => stream.destroy(error));
  socket.on("error", (error) => stream.destroy(error));
  socket.on("close", () => stream.destroy());
  socket.on("data", (chunk: Buffer) => driver.io.write(chunk));
  driver.start();
  if (head.length > 0) driver.io.write(head);
  return stream;
}

/** Refuses an upgrade with an HTTP status, as a proxy or an authenticating broker does. */
export async function rejectUpgrade(socket: Duplex, status: number): Promise<void> {
  const body = "refused by the test broker";
  socket.on("error", () => {});
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
  await once(socket, "finish");
  socket.destroy();
}
