import { connect } from "node:net";

/** An HTTP client that takes its response slowly, or not at all. */
export interface SlowReader extends Disposable {
  /** What it has taken, head and chunk sizes included. */
  text(): string;
  readonly closed: Promise<void>;
  /** Takes the rest as fast as it comes. */
  resume(): void;
}

/** Takes `bytesPerSecond` of the response to GET `path`; with 0, nothing after the first bytes. */
export async function readSlowly(port: number, path: string, bytesPerSecond: number): Promise<SlowReader> {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  let credit = 0;
  const first = Promise.withResolvers<void>();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    text += String(chunk);
    first.resolve();
    credit -= chunk.length;
    if (credit <= 0) socket.pause();
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  await first.promise;
  const perTick = bytesPerSecond / 20;
  const pace = setInterval(() => {
    if (credit !== Infinity) credit = Math.min(credit + perTick, perTick);
    if (credit > 0) socket.resume();
  }, 50);
  return {
    text: () => text,
    closed,
    resume() {
      credit = Infinity;
      socket.resume();
    },
    [Symbol.dispose]() {
      clearInterval(pace);
      socket.destroy();
    },
  };
}
