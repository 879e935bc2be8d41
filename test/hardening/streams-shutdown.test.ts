import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { Readable } from "node:stream";
import { readEvents, type EventReader } from "../support/event-reader.ts";
import { freePort } from "../support/free-port.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { startMain } from "../support/program.ts";
import { describe, it } from "../support/test.ts";

const mosquitto = { skip: needs("mosquitto") };

/** The URL that `main.ts` prints when it is ready. */
async function ready(program: ReturnType<typeof startMain>): Promise<string> {
  const line = await program.printed(/connack listening on \S+\n/);
  return line.trim().split(" ").at(-1) ?? "";
}

async function open(url: string, body: object): Promise<number> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/connections`, { method: "POST", headers, body: JSON.stringify(body) });
  await response.text();
  return response.status;
}

/** A reader over a socket of its own: one runtime's fetch has 256 at most. */
async function events(url: string, path: string): Promise<EventReader> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  await once(socket, "readable");
  const controller = new AbortController();
  controller.signal.addEventListener("abort", () => socket.destroy());
  // The parser passes over the head and the lengths of chunks, as over fields that it does not know.
  return readEvents(new Response(Readable.toWeb(socket) as never), controller);
}

describe("S55: a thousand readers", () => {
  it(
    "S55: the broker restarts, then SIGTERM: all are told, and the exit is within the grace period",
    async () => {
      const count = 1_000;
      const graceMs = 5_000;
      await using broker = await startMosquitto();
      await using connack = startMain({ CONNACK_SHUTDOWN_GRACE_MS: String(graceMs) });
      const url = await ready(connack);
      const reconnect = { minDelayMs: 50, maxDelayMs: 200 };
      assert.equal(await open(url, { id: "home", url: broker.url, clientId: "c55", reconnect }), 201);
      const readers: EventReader[] = [];
      while (readers.length < count) {
        const batch = Array.from({ length: 50 }, (_, i) =>
          events(url, i % 2 === 0 ? "/connections/home/events" : "/events"),
        );
        readers.push(...(await Promise.all(batch)));
      }
      await broker.stop("SIGKILL");
      await Promise.all(readers.map((reader) => reader.next("disconnected")));
      await broker.start();
      await Promise.all(readers.map((reader) => reader.next("connected")));

      const start = performance.now();
      connack.signal("SIGTERM");
      await Promise.all(readers.map((reader) => reader.ended));
      const status = await connack.exited;
      const ms = Math.round(performance.now() - start);
      process.stdout.write(`S55: ${count} readers told, exit ${status} after ${ms} ms\n`);
      assert.equal(status, 0, connack.output());
      assert.ok(ms < graceMs, `the exit took ${ms} ms`);
      for (const [index, { seen }] of readers.entries()) {
        const last = seen.slice(-3).map(({ type }) => type);
        // The stream of a connection ends with it, that of all connections with the server; both say why.
        assert.deepEqual(last, ["closing", "closed", "shutdown"], `reader ${index}`);
      }
      await broker.logged(/Client c55 disconnected\./);
      assert.doesNotMatch(connack.output(), /"level":"error"/);
    },
    { ...mosquitto, timeout: 60_000 },
  );
});

describe("SIGTERM", () => {
  it(
    "ends every connection with DISCONNECT, and the process with status 0",
    async () => {
      await using broker = await startMosquitto();
      await using connack = startMain();
      const url = await ready(connack);
      const ids = Array.from({ length: 20 }, (_, i) => `t${i}`);
      const statuses = await Promise.all(ids.map((id) => open(url, { id, url: broker.url, clientId: id })));
      assert.deepEqual(new Set(statuses), new Set([201]));
      connack.signal("SIGTERM");
      assert.equal(await connack.exited, 0, connack.output());
      for (const id of ids) await broker.logged(new RegExp(`Client ${id} disconnected\\.`));
      assert.doesNotMatch(broker.log(), /closed its connection/);
    },
    mosquitto,
  );

  it("takes no longer than the grace period, though a broker keeps it waiting", async () => {
    await using connack = startMain({ CONNACK_SHUTDOWN_GRACE_MS: "500" });
    const url = await ready(connack);
    // It takes connections, and never answers.
    await using server = createServer((socket) => void socket.resume());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const waiting = open(url, { url: `mqtt://127.0.0.1:${port}` }).catch(() => 0);
    await once(server, "connection");
    const start = performance.now();
    connack.signal("SIGTERM");
    assert.equal(await connack.exited, 0, connack.output());
    assert.ok(performance.now() - start < 3_000, "the exit took longer");
    // The caller was answered, and not just cut off.
    assert.equal(await waiting, 503);
  });

  it("ends it with status 0 also when nothing is open, and on SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await using connack = startMain();
      await ready(connack);
      connack.signal(signal);
      assert.equal(await connack.exited, 0, connack.output());
    }
  });
});

describe("A port that is taken", () => {
  it("ends the start with status 1 and a message that names the address", async () => {
    const port = await freePort();
    await using server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    await using connack = startMain({ CONNACK_PORT: String(port) });
    assert.equal(await connack.exited, 1);
    assert.match(
      connack.output(),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: .*(in use|EADDRINUSE)`),
    );
    assert.doesNotMatch(connack.output(), /\bat .*:\d+:\d+/, "a stack");
  });
});
