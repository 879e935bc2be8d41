import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listenOnLoopback } from "./loopback-server.ts";
import { startProxy } from "./proxy.ts";
import { describe, it } from "./test.ts";

describe("startProxy()", () => {
  it("forwards both ways, and nothing while frozen", async () => {
    await using target = await startEcho();
    await using proxy = await startProxy(target.port);
    const client = connect(proxy.port, "127.0.0.1");
    assert.equal(await echoed(client, "one"), "one");
    assert.deepEqual(proxy.bytes, { fromClient: 3, fromTarget: 3 });
    assert.equal(proxy.connectionCount, 1);

    proxy.freeze();
    const answer = once(client, "data");
    client.write("two");
    // A round trip past the proxy: whatever it would have forwarded has arrived by then.
    const direct = connect(target.port, "127.0.0.1");
    assert.equal(await echoed(direct, "direct"), "direct");
    direct.destroy();
    assert.deepEqual(proxy.bytes, { fromClient: 3, fromTarget: 3 });
    proxy.thaw();
    assert.equal(String((await answer)[0]), "two");
    client.destroy();
  });

  it("holds little in memory while frozen, and a FIN back", async () => {
    await using target = await startEcho();
    await using proxy = await startProxy(target.port);
    const client = connect(proxy.port, "127.0.0.1");
    assert.equal(await echoed(client, "one"), "one");
    proxy.freeze();
    client.end(Buffer.alloc(32 * 1024 * 1024));
    const direct = connect(target.port, "127.0.0.1");
    for (let turn = 0; turn < 20; turn += 1) assert.equal(await echoed(direct, "direct"), "direct");
    direct.destroy();
    assert.ok(proxy.bytes.fromClient < 1024 * 1024, `${proxy.bytes.fromClient} bytes were read`);
    proxy.thaw();
    let bytes = 0;
    for await (const chunk of client) bytes += chunk.length;
    assert.equal(bytes, 32 * 1024 * 1024);
  });

  it("cut() resets both sides", async () => {
    await using target = await startEcho();
    await using proxy = await startProxy(target.port);
    const client = connect(proxy.port, "127.0.0.1");
    assert.equal(await echoed(client, "one"), "one");
    const reset = assert.rejects(once(client, "data"), { code: "ECONNRESET" });
    const gone = Promise.all(
      target.accepted.map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
    proxy.cut();
    await reset;
    await gone;
    assert.equal(proxy.connectionCount, 0);
  });
});

async function echoed(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, "data");
  socket.write(text);
  return String((await answer)[0]);
}

async function startEcho() {
  const accepted: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  const listening = await listenOnLoopback(server);
  return { port: listening.port, accepted, [Symbol.asyncDispose]: () => listening.close() };
}
