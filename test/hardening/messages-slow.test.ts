import assert from "node:assert/strict";
import { connect } from "node:net";
import { readMessages } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { runtimeArguments, startProgram } from "../support/program.ts";
import { describe, it } from "../support/test.ts";

const MiB = 1_048_576;
const count = 8_000;
const payloadBytes = 4_000;
const frozenReaders = 10;

interface FrozenReader extends Disposable {
  /** Reads on, and gives all that comes until the server's end. */
  rest(): Promise<string>;
}

/** Opens a stream of messages and takes nothing of it after its first bytes. */
async function frozenReader(port: number): Promise<FrozenReader> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const chunks: Buffer[] = [];
  const first = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.length > 1) return;
      socket.pause();
      resolve();
    });
  });
  const headers = "Host: localhost\r\nAccept: text/event-stream\r\nConnection: close";
  socket.write(`GET /connections/home/messages HTTP/1.1\r\n${headers}\r\n\r\n`);
  await first;
  return {
    async rest() {
      socket.resume();
      await closed;
      return Buffer.concat(chunks).toString();
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Publishes numbered messages, 1,000 a second. */
async function publishSteadily(url: string): Promise<void> {
  await using client = await connectClient(url, { protocolVersion: 5 });
  const padding = "x".repeat(payloadBytes);
  const start = performance.now();
  let sent = 0;
  await new Promise<void>((resolve) => {
    const pace = setInterval(() => {
      for (; sent < count && sent < performance.now() - start; sent += 1)
        client.publish("t", `${sent} ${padding}`);
      if (sent < count) return;
      clearInterval(pace);
      resolve();
    }, 5);
  });
  await client.publishAsync("done", "x", { qos: 1 });
}

describe("S53: readers of messages that take nothing, beside those that do, at 1,000 messages a second", () => {
  it(
    "S53: who reads has all, in order and in time; the others are cut off; memory is flat",
    async () => {
      await using broker = await startMosquitto();
      // A process of its own, so that its memory is the server's and not the readers'.
      await using server = startProgram(process.execPath, runtimeArguments("test/support/measured-main.ts"), {
        CONNACK_PORT: "0",
        CONNACK_LOG_LEVEL: "warn",
        CONNACK_STREAM_WRITE_TIMEOUT_MS: "3000",
      });
      const url = await server.printed(/http:\S+/);
      const opened = await fetch(`${url}/connections`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ id: "home", url: broker.url }),
      });
      assert.equal(opened.status, 201, await opened.text());
      const subscribed = await fetch(`${url}/connections/home/subscriptions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ topicFilter: "t" }),
      });
      assert.equal(subscribed.status, 201, await subscribed.text());
      await using sse = await readMessages({ url }, "sse");
      await using ndjson = await readMessages({ url }, "ndjson");
      using readers = new DisposableStack();
      const frozen = [];
      while (frozen.length < frozenReaders)
        frozen.push(readers.use(await frozenReader(Number(new URL(url).port))));

      await publishSteadily(broker.url);
      for (const stream of [sse, ndjson]) {
        const seen = await stream.until(count);
        const numbers = seen.map(({ payload }) => Number.parseInt(payload, 10));
        assert.deepEqual(
          numbers,
          Array.from({ length: count }, (_, n) => n),
        );
        assert.ok(!stream.seen.some(({ type }) => type === "gap"));
        const worst = Math.max(...seen.map(({ at }) => Date.parse(at)));
        assert.ok(Date.now() - worst < 2_000, "the last message came late");
      }
      // What is cut off has no proper end, so that none can take it for one.
      for (const text of await Promise.all(frozen.map((reader) => reader.rest())))
        assert.doesNotMatch(text, /\r\n0\r\n\r\n/);

      const rss = [...server.output().matchAll(/rss=(\d+)/g)].map(([, bytes]) => Number(bytes) / MiB);
      // Until the log is full, memory is supposed to grow.
      const grown = Math.max(...rss) - (rss[4] ?? 0);
      process.stdout.write(
        `S53: messages: memory grew by ${grown.toFixed(0)} MiB: ${rss.map(Math.round).join()}\n`,
      );
      // Held for the frozen readers alone, the messages of a second would be 40 MiB.
      assert.ok(grown < 96, `memory grew: ${rss.map(Math.round).join()}`);
      const view = JSON.parse(await (await fetch(`${url}/connections/home`)).text());
      assert.deepEqual([view.state, view.counters.connects], ["connected", 1]);
    },
    { skip: needs("mosquitto"), timeout: 60_000 },
  );
});
