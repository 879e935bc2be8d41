import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { startApp } from "../support/app.ts";
import { rawExchange, rawSocket, type RawExchange } from "../support/raw-http.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { describe, it } from "../support/test.ts";

const get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
const post = "POST /connections HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const publish = "POST /connections/home/publish?topic=a HTTP/1.1\r\nHost: localhost\r\n";
const drip = (bytes: string) => ({ drip: { bytes, everyMs: 50 } });

const limits = {
  CONNACK_HEADER_TIMEOUT_MS: "400",
  CONNACK_BODY_TIMEOUT_MS: "400",
  CONNACK_HTTP_IDLE_TIMEOUT_MS: "400",
};
/** Bun's own time for a head is 12 s, and for idle ones 4 at least. */
const most = thisRuntime === "bun" ? { head: 14_000, idle: 6_000 } : { head: 2_000, idle: 2_000 };

const portOf = ({ url }: { readonly url: string }) => Number(new URL(url).port);

function refusedLate({ text, statuses, ms }: RawExchange): void {
  assert.deepEqual(statuses, [408], text);
  assert.match(text, /application\/problem\+json/i);
  assert.match(text, /"code":"request-timeout"/);
  assert.ok(ms >= 300 && ms < 3_000, `${ms} ms`);
}

describe("S76: slow callers", () => {
  it("a head that does not come is not waited for, whatever trickles in", async () => {
    await using app = await startApp(limits);
    const port = portOf(app);
    const heads = await Promise.all([
      rawExchange(port, ""),
      rawExchange(port, "GET /heal"),
      rawExchange(port, get, drip("x")),
      rawExchange(port, get, drip("x: y\r\n")),
    ]);
    for (const { text, ms } of heads) {
      assert.match(text, /^$|^HTTP\/1.1 4/);
      assert.ok(ms < most.head, `${ms} ms`);
    }
  });

  it("nor is the next one, nor an idle connection", async () => {
    await using app = await startApp(limits);
    const port = portOf(app);
    const ends = await Promise.all([
      rawExchange(port, `${get}\r\n`),
      rawExchange(port, `${get}\r\n${get}`, drip("x")),
    ]);
    for (const { statuses, ms } of ends) {
      assert.deepEqual(statuses, [200]);
      assert.ok(ms < most.idle, `${ms} ms`);
    }
  });

  it("a body that stalls or trickles in is answered with 408, and the connection closed", async () => {
    await using app = await startApp(limits);
    const port = portOf(app);
    assert.equal((await app.open({ id: "home", url: "mqtt://127.0.0.1:1" }, "?wait=0")).status, 202);
    const length = "Content-Length: 1000\r\n\r\n";
    const chunked = "Transfer-Encoding: chunked\r\n\r\n";
    const ends = await Promise.all([
      rawExchange(port, `${post}${length}`),
      rawExchange(port, `${post}${length}{`, drip(" ")),
      rawExchange(port, `${post}${chunked}1\r\n{\r\n`),
      rawExchange(port, `${post}${chunked}1\r\n{\r\n`, drip("1\r\n \r\n")),
      rawExchange(port, `${publish}${length}`, drip(" ")),
      rawExchange(port, `${publish}${chunked}1\r\n{\r\n`, drip("1\r\n \r\n")),
    ]);
    for (const end of ends) refusedLate(end);
    assert.equal((await app.call("GET", "/healthz")).status, 200);
  });

  it("a body that comes in time, and an answer that takes its time, are let be", async () => {
    await using app = await startApp(limits);
    const socket = await rawSocket(portOf(app), `${post}Content-Length: 2\r\nConnection: close\r\n\r\n`);
    socket.write("{}");
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.match(String(answer), /^HTTP\/1.1 422/);
    const opened = await app.open({ id: "home", url: "mqtt://127.0.0.1:1" }, "?wait=0");
    const version = opened.body.version as number;
    const held = await app.call("GET", `/connections/home?wait=1&since=${version + 1_000}`);
    assert.equal(held.status, 200);
    const stream = await app.events("/events");
    assert.equal((await app.call("DELETE", "/connections/home?force=true")).status, 200);
    stream.close();
  });

  it("two hundred slow ones delay nobody, and their descriptors come back", async () => {
    await using app = await startApp(limits);
    const port = portOf(app);
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    const starts = [get, "GET /heal", "", `${post}Content-Length: 1000\r\n\r\n{`];
    const slow = await Promise.all(
      Array.from({ length: 200 }, (_, n) => rawSocket(port, starts[n % starts.length] ?? "")),
    );
    const closed = slow.map((socket: Socket) => (socket.resume(), once(socket, "close")));
    for (let n = 0; n < 20; n += 1) {
      const startedAt = performance.now();
      assert.equal((await app.call("GET", "/healthz")).status, 200);
      assert.ok(performance.now() - startedAt < 1_000);
    }
    await Promise.all(closed);
    while (open() > before + 20) await new Promise(setImmediate);
  });
});

describe("CONNACK_MAX_HEADER_BYTES", () => {
  it("a larger head is refused: as set on Bun, and by Deno by the bound that it has of its own", async () => {
    await using app = await startApp({ CONNACK_MAX_HEADER_BYTES: "2048" });
    const padded = (bytes: number) => `${get}Connection: close\r\nX: ${"a".repeat(bytes)}\r\n\r\n`;
    const [tooMany, refused] = thisRuntime === "deno" ? [120_000, 400] : [2_500, 431];
    assert.deepEqual((await rawExchange(portOf(app), padded(1_500))).statuses, [200]);
    assert.deepEqual((await rawExchange(portOf(app), padded(tooMany))).statuses, [refused]);
  });
});

describe("CONNACK_MAX_HTTP_CONNECTIONS", () => {
  it("what is beyond is closed or told 503, and when there is room all is well", async () => {
    await using app = await startApp({ CONNACK_MAX_HTTP_CONNECTIONS: "5" });
    const port = portOf(app);
    const stream = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const held = await Promise.all(Array.from({ length: 5 }, () => rawSocket(port, stream)));
    await Promise.all(held.map((socket) => once(socket, "data")));
    const { text, statuses } = await rawExchange(port, `${get}\r\n`);
    assert.ok(statuses.length === 0 || statuses[0] === 503, text);
    for (const socket of held) socket.destroy();
    const status = () =>
      app.call("GET", "/healthz", undefined, { connection: "close" }).then(
        (answer) => answer.status,
        () => 0,
      );
    while ((await status()) !== 200) await new Promise(setImmediate);
  });
});

describe("stop()", () => {
  it("waits neither for idle connections nor for half a head", async () => {
    await using app = await startApp();
    const port = portOf(app);
    const idle = await rawSocket(port, `${get}\r\n`);
    await once(idle, "data");
    const sockets = [idle, await rawSocket(port, "GET /heal"), await rawSocket(port, "")];
    const startedAt = performance.now();
    await app.stop();
    assert.ok(performance.now() - startedAt < 1_500);
    for (const socket of sockets) socket.destroy();
  });
});
