import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { serve, type Serving } from "../../src/serve.ts";
import { DuplexCall } from "../support/duplex-call.ts";
import { needs } from "../support/needs.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import {
  countPatterned,
  later,
  patterned,
  quick,
  tunnelRig,
  until,
  type TunnelRig,
} from "../support/tunnel-rig.ts";

const skip = needs("nats");

let nats: Nats;
before(async () => {
  if (skip === false) nats = await startNats();
});
after(async () => {
  if (skip === false) await nats[Symbol.asyncDispose]();
});

/** As `it`, where there is a server of NATS. */
function test(name: string, body: () => Promise<void>): void {
  it(name, body, { skip });
}

/** The server of HTTP of a node that forwards everything. */
function front(rig: TunnelRig): Serving & { readonly url: string } & AsyncDisposable {
  const fetch = (request: Request) => rig.tunnel.forward(rig.subject, request);
  const serving = serve({ fetch }, "127.0.0.1", 0);
  return {
    ...serving,
    url: `http://127.0.0.1:${serving.port}`,
    [Symbol.asyncDispose]: () => serving.stop(),
  };
}

const events = { headers: { "content-type": "text/event-stream" } };

async function get(port: number, path: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: connack.test\r\n\r\n`);
  return socket;
}

describe("a server of HTTP that forwards to the owner", () => {
  test("answers as the owner would, a body of 20 MB both ways", async () => {
    await using rig = await tunnelRig(nats, (request) => new Response(request.body), {});
    await using server = front(rig);
    const size = 20_000_000;
    const body = Buffer.from(await new Response(patterned(size)).arrayBuffer());
    const response = await fetch(server.url, { method: "POST", body });
    assert.equal(await countPatterned(response.body), size);
  });

  test("HEAD with the length of what a GET would give, and 304", async () => {
    await using rig = await tunnelRig(nats, ({ method }) =>
      method === "HEAD"
        ? new Response(null, { headers: { "content-length": "42" } })
        : new Response(null, { status: 304, headers: { etag: '"1"' } }),
    );
    await using server = front(rig);
    const head = await fetch(server.url, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "42");
    const response = await fetch(server.url);
    assert.equal(response.status, 304);
    assert.equal(response.headers.get("etag"), '"1"');
  });

  test("a reader of events that hangs up ends their source at the owner", async () => {
    const cancelled = later();
    let timer: ReturnType<typeof setInterval> | undefined;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(Buffer.from(": \n\n")), 10);
      },
      cancel() {
        clearInterval(timer);
        cancelled.resolve();
      },
    });
    await using rig = await tunnelRig(nats, () => new Response(stream, events));
    await using server = front(rig);
    const socket = await get(server.port, "/");
    await once(socket, "data");
    socket.destroy();
    await cancelled.promise;
    await until(
      () => rig.tunnel.figures.made === 0 && rig.tunnel.figures.bufferedBytes === 0,
      "nothing is left",
    );
  });

  test("a frozen reader stops the owner's source; memory stays flat", async () => {
    let sent = 0;
    const event = Buffer.from(`data: ${"x".repeat(4_000)}\n\n`);
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          sent += event.length;
          controller.enqueue(new Uint8Array(event));
        },
      },
      { highWaterMark: 0 },
    );
    await using rig = await tunnelRig(nats, () => new Response(stream, events));
    await using server = front(rig);
    const socket = await get(server.port, "/");
    await once(socket, "data");
    socket.pause();
    let [seen, same] = [-1, 0];
    await until(
      () => {
        same = sent === seen ? same + 1 : 0;
        seen = sent;
        return same >= 50;
      },
      "it stands still",
      20_000,
    );
    // What the kernel takes for both ends of the socket, and the runtime for itself, and the window.
    assert.ok(sent < 32_000_000, `${sent} bytes were sent`);
    socket.resume();
    await until(() => sent > seen + 5_000_000, "it goes on");
    socket.destroy();
    await until(() => rig.owner.figures.served === 0, "the owner has done");
  });

  test("lines and reports in turn, over one call", async () => {
    await using rig = await tunnelRig(nats, (request) => new Response(request.body));
    await using server = front(rig);
    using call = new DuplexCall(server.url, "/");
    for (let i = 0; i < 50; i += 1) {
      call.send(`${JSON.stringify({ i })}\n`);
      assert.deepEqual(await call.next(), { i });
    }
    call.end();
    assert.deepEqual(await call.rest(), []);
    assert.equal(call.complete, true);
  });

  test("an owner that is lost: events end as they should, a file is cut off", async () => {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      controller.enqueue(Buffer.from(`data: ${"1".repeat(99)}\n\n`));
    await using rig = await tunnelRig(
      nats,
      ({ url }) => new Response(new ReadableStream({ start }), url.endsWith("/events") ? events : {}),
      quick,
    );
    await using server = front(rig);
    const [stream, file] = await Promise.all([fetch(`${server.url}/events`), fetch(`${server.url}/file`)]);
    await rig.ownerConnection.close();
    assert.match(await stream.text(), /^data: 1{99}\n\n$/);
    await assert.rejects(file.text());
  });
});
