import assert from "node:assert/strict";
import { OwnerLost } from "../../src/cluster/tunnel-errors.ts";
import { needs } from "../support/needs.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import { countPatterned, later, patterned, tunnelRig, until } from "../support/tunnel-rig.ts";

const skip = needs("nats");
const megabyte = 1_048_576;
/** What may be on its way: the window, and a chunk that is held at either end. */
const mostAhead = 262_144 + 2 * 65_536;

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

const asBytes = (stream: ReadableStream<Uint8Array> | null) => stream as ReadableStream<Uint8Array>;
const idle = { made: 0, served: 0, bufferedBytes: 0, malformed: 0 };

/** A stream of events that is never silent, as fast as it is read; `sent` is how many bytes were asked for. */
function firehose() {
  const state = { sent: 0, cancelled: false };
  const event = Buffer.from(`data: ${"x".repeat(1_000)}\n\n`);
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        state.sent += event.length;
        controller.enqueue(new Uint8Array(event));
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { state, stream };
}

const events = { headers: { "content-type": "text/event-stream" } };

describe("bodies through the tunnel", () => {
  test("20 MB there and back at the same time, byte for byte", async () => {
    const total = 20 * megabyte;
    await using rig = await tunnelRig(nats, (request) => new Response(request.body), {});
    const response = await rig.call("/", { method: "POST", body: patterned(total), duplex: "half" });
    assert.equal(await countPatterned(asBytes(response.body)), total);
    await until(() => rig.owner.figures.served === 0, "the owner has done");
    assert.deepEqual(rig.tunnel.figures, idle);
    assert.deepEqual(rig.owner.figures, idle);
  });

  test("20 MB there, with an answer that says how much it was", async () => {
    const total = 20 * megabyte;
    await using rig = await tunnelRig(
      nats,
      async (request) => Response.json(await countPatterned(asBytes(request.body))),
      {},
    );
    const headers = { "content-length": String(total) };
    const response = await rig.call("/", {
      method: "POST",
      body: patterned(total, 100_001),
      duplex: "half",
      headers,
    });
    assert.equal(await response.json(), total);
  });

  for (const size of [1, 16_319, 16_320, 16_321, 131_071, 131_072, 131_073, 262_080, 262_144, 262_145]) {
    test(`a body of ${size} bytes both ways`, async () => {
      await using rig = await tunnelRig(nats, (request) => new Response(request.body));
      const body = Buffer.from(await new Response(patterned(size)).arrayBuffer());
      const response = await rig.call("/", { method: "POST", body });
      assert.equal(await countPatterned(asBytes(response.body)), size);
    });
  }

  test("lines there and reports back, each before the next is sent", async () => {
    await using rig = await tunnelRig(nats, (request) => new Response(request.body));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const answer = rig.call("/", { method: "POST", body: readable, duplex: "half" });
    await writer.write(Buffer.from("line 0"));
    const reader = asBytes((await answer).body).getReader();
    for (let i = 0; i < 200; i += 1) {
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), `line ${i}`);
      await writer.write(Buffer.from(`line ${i + 1}`));
    }
    await writer.close();
    await reader.read();
    assert.equal((await reader.read()).done, true);
    assert.deepEqual(rig.tunnel.figures, idle);
  });

  test("a frozen reader of events stops their source; others go on; then it reads on where it was", async () => {
    const { state, stream } = firehose();
    await using rig = await tunnelRig(nats, ({ url }) =>
      url.endsWith("/events") ? new Response(stream, events) : new Response("ok"),
    );
    const response = await rig.call("/events");
    let seen = -1;
    // It stands still when 20 further calls have found it where it was.
    for (let same = 0; same < 20;) {
      assert.equal(await (await rig.call("/")).text(), "ok");
      same = state.sent === seen ? same + 1 : 0;
      seen = state.sent;
    }
    assert.ok(state.sent > 0 && state.sent <= mostAhead, `${state.sent} bytes were sent`);
    const reader = asBytes(response.body).getReader();
    let read = 0;
    while (read < megabyte) read += (await reader.read()).value?.length ?? 0;
    assert.ok(state.sent > megabyte);
    await reader.cancel();
    await until(() => state.cancelled, "the source is cancelled");
    await until(() => rig.owner.figures.served === 0, "the owner has done");
    assert.deepEqual(rig.tunnel.figures, idle);
    assert.deepEqual(rig.owner.figures, idle);
  });

  test("an owner that does not read stops the body's source", async () => {
    let sent = 0;
    const go = later();
    await using rig = await tunnelRig(nats, async (request) => {
      await go.promise;
      return Response.json(await countPatterned(asBytes(request.body)));
    });
    const body = patterned(4 * megabyte, 65_536, () => {
      sent += 65_536;
    });
    const answer = rig.call("/", { method: "POST", body, duplex: "half" });
    let seen = -1;
    await until(() => {
      const same = sent === seen && sent > 200_000;
      seen = sent;
      return same;
    }, "it stands still");
    assert.ok(sent <= mostAhead + 65_536, `${sent} bytes were sent`);
    go.resolve();
    assert.equal(await (await answer).json(), 4 * megabyte);
  });

  test("an answer that ends early ends the sending of the request's body", async () => {
    const cancelled = later();
    await using rig = await tunnelRig(nats, () => new Response("too much", { status: 413 }));
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => cancelled.resolve(),
    });
    const response = await rig.call("/", { method: "POST", body, duplex: "half" });
    assert.equal(response.status, 413);
    await cancelled.promise;
    assert.deepEqual(rig.tunnel.figures, idle);
    await until(() => rig.owner.figures.bufferedBytes === 0, "the owner has done");
  });

  test("events come one by one as they are sent, not when there are enough", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    await using rig = await tunnelRig(nats, () => new Response(readable, events));
    const first = writer.write(Buffer.from("data: 0\n\n"));
    const response = await rig.call("/");
    await first;
    const reader = asBytes(response.body).getReader();
    for (let i = 0; i < 200; i += 1) {
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), `data: ${i}\n\n`);
      await writer.write(Buffer.from(`data: ${i + 1}\n\n`));
    }
    await reader.read();
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });
});

describe("whoever goes away", () => {
  test("the caller, before the answer: the owner's signal aborts", async () => {
    const aborted = later<unknown>();
    const begun = later();
    await using rig = await tunnelRig(nats, (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve(null));
      begun.resolve();
      return new Promise<Response>(() => {});
    });
    const caller = new AbortController();
    const call = rig.call("/", { signal: caller.signal });
    await begun.promise;
    const reason = new Error("hung up");
    caller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    await aborted.promise;
    await until(() => rig.owner.figures.served === 0, "the owner has done");
    assert.deepEqual(rig.tunnel.figures, idle);
  });

  test("the caller, while its body is sent: the owner's reading fails", async () => {
    const failed = later<unknown>();
    await using rig = await tunnelRig(nats, async (request) => {
      await request.text().catch(failed.resolve);
      return new Response("never mind");
    });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.error(new Error("reset"));
      },
    });
    await assert.rejects(rig.call("/", { method: "POST", body, duplex: "half" }), OwnerLost);
    assert.ok((await failed.promise) instanceof Error);
  });

  test("options.signal, in the middle of the answer: the owner's body is cancelled", async () => {
    const { state, stream } = firehose();
    await using rig = await tunnelRig(nats, () => new Response(stream));
    const over = new AbortController();
    const response = await rig.call("/", {}, { signal: over.signal });
    const reader = asBytes(response.body).getReader();
    await reader.read();
    over.abort();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    });
    await until(() => state.cancelled, "the source is cancelled");
  });

  test("the owner's body, in the middle: events end, anything else fails", async () => {
    const broken = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from("data: 1\n\n")),
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          controller.error(null);
        },
      });
    await using rig = await tunnelRig(
      nats,
      ({ url }) => new Response(broken(), url.endsWith("/events") ? events : {}),
    );
    assert.equal(await (await rig.call("/events")).text(), "data: 1\n\n");
    await assert.rejects((await rig.call("/")).text());
  });

  test("the deadline: the caller is told, and the owner's signal aborts", async () => {
    const aborted = later();
    await using rig = await tunnelRig(nats, (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve());
      return new Promise<Response>(() => {});
    });
    const late = rig.call("/", {}, { withinMs: 100 });
    await assert.rejects(late, (error) => error instanceof OwnerLost && error.reason === "late");
    await aborted.promise;
  });
});
