import assert from "node:assert/strict";
import { connect, type NatsConnection, type Status } from "@nats-io/transport-node";
import { NoOwner, OwnerLost } from "../../src/cluster/tunnel-errors.ts";
import * as frames from "../../src/cluster/tunnel-frame.ts";
import type { Reason } from "../../src/cluster/tunnel-frame.ts";
import { Tunnel } from "../../src/cluster/tunnel.ts";
import { needs } from "../support/needs.ts";
import { startProxy } from "../support/proxy.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";
import { countPatterned, later, patterned, tunnelRig, until, type TunnelRig } from "../support/tunnel-rig.ts";

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

const events = { headers: { "content-type": "text/event-stream" } };
const lost =
  (...reasons: Reason[]) =>
  (error: unknown) =>
    error instanceof OwnerLost && error.mayHaveBeenCarriedOut && reasons.includes(error.reason);

/** Sends a first chunk, and nothing more. */
const endless = () =>
  new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from("data: 1\n\n")) });

const asBytes = (response: Response) => response.body as ReadableStream<Uint8Array>;

/** Resolves when the client says so of its connection. */
async function status(connection: NatsConnection, type: Status["type"]): Promise<void> {
  for await (const each of connection.status()) if (each.type === type) return;
}

/** Loses the frames of that connection which `isLost` takes, told their kind and how many of it there were. */
function lose({ ownerConnection }: TunnelRig, isLost: (kind: string, count: number) => boolean): void {
  const publish = ownerConnection.publish.bind(ownerConnection);
  const counts = new Map<string, number>();
  ownerConnection.publish = (subject, payload, options) => {
    const kind = frames.decode(payload as Uint8Array)?.kind ?? "";
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    if (!isLost(kind, count)) publish(subject, payload, options);
  };
}

describe("an owner that is not there", () => {
  test("throws NoOwner after a few tries", async () => {
    await using rig = await tunnelRig(nats, () => new Response("ok"));
    const startedAt = performance.now();
    await assert.rejects(rig.tunnel.forward("connack.nobody.call", new Request("http://a/")), NoOwner);
    assert.ok(performance.now() - startedAt >= 95, "it was tried again");
    assert.equal(rig.tunnel.figures.made, 0);
    assert.equal(rig.tunnel.figures.bufferedBytes, 0);
  });

  test("is waited for as long as one is told, with the body", async () => {
    await using rig = await tunnelRig(nats, () => new Response("ok"));
    const body = patterned(300_000);
    const request = new Request("http://a/", { method: "POST", body, duplex: "half" } as RequestInit);
    const answer = rig.tunnel.forward("connack.coming.call", request, { ownerWithinMs: 20_000 });
    await until(() => rig.connection.stats().outMsgs > 6, "it was tried more than three times");
    rig.owner.serve("connack.coming.call", async (request) =>
      Response.json(await countPatterned(request.body)),
    );
    assert.equal(await (await answer).json(), 300_000);
  });

  test("one that is stopping sends callers on to the next, and finishes what it has", async () => {
    const go = later();
    await using rig = await tunnelRig(nats, () => go.promise.then(() => new Response("old")));
    const call = rig.call("/");
    await until(() => rig.owner.figures.served === 1, "it has come");
    await rig.serving.stop();
    await using next = await tunnelRig(nats, () => new Response("new"));
    await assert.rejects(rig.call("/"), NoOwner);
    next.owner.serve(rig.subject, () => new Response("new"));
    assert.equal(await (await rig.call("/", {}, { ownerWithinMs: 5_000 })).text(), "new");
    go.resolve();
    assert.equal(await (await call).text(), "old");
  });
});

describe("an owner that is lost", () => {
  test("before the answer, its connection closed: the call fails, and may have been carried out", async () => {
    await using rig = await tunnelRig(nats, () => new Promise<Response>(() => {}));
    const call = rig.call("/");
    await until(() => rig.owner.figures.served === 1, "it has come");
    await rig.ownerConnection.close();
    await assert.rejects(call, lost("gone"));
    await until(() => rig.owner.figures.served === 0, "the owner knows it, too");
  });

  test("in the middle of the answer: events end, anything else fails", async () => {
    await using rig = await tunnelRig(
      nats,
      ({ url }) => new Response(endless(), url.endsWith("/events") ? events : {}),
    );
    const [stream, file] = [await rig.call("/events"), await rig.call("/file")];
    await rig.ownerConnection.close();
    assert.equal(await stream.text(), "data: 1\n\n");
    await assert.rejects(file.text());
    assert.equal(rig.tunnel.figures.made, 0);
  });

  test("one that hangs, its subscriptions in place, is noticed by its silence", async () => {
    await using rig = await tunnelRig(nats, () => new Promise<Response>(() => {}));
    const call = rig.call("/");
    await until(() => rig.owner.figures.served === 1, "it has come");
    lose(rig, () => true);
    const startedAt = performance.now();
    await assert.rejects(call, lost("silent"));
    assert.ok(performance.now() - startedAt >= 1_000);
  });

  test("one that takes the opening and never says so is noticed by its silence", async () => {
    await using rig = await tunnelRig(nats, () => new Response("ok"));
    lose(rig, () => true);
    await assert.rejects(rig.call("/"), lost("silent"));
  });

  test("ownerGone() ends the calls of that owner at once, and no others", async () => {
    const go = later();
    await using rig = await tunnelRig(nats, () => go.promise.then(() => new Response("ok")));
    rig.owner.serve(`${rig.subject}.other`, () => go.promise.then(() => new Response("ok")));
    await rig.ownerConnection.flush();
    const call = rig.call("/");
    const other = rig.tunnel.forward(`${rig.subject}.other`, new Request("http://a/"));
    await until(() => rig.owner.figures.served === 2, "both have come");
    rig.tunnel.ownerGone(rig.subject);
    await assert.rejects(call, lost("gone"));
    go.resolve();
    assert.equal(await (await other).text(), "ok");
  });

  test("the end of serving ends the calls at both ends", async () => {
    await using rig = await tunnelRig(nats, () => new Response(endless()));
    const response = await rig.call("/");
    await rig.serving[Symbol.asyncDispose]();
    await assert.rejects(response.text());
    assert.equal(rig.owner.figures.served, 0);
  });

  test("the node that forwards is lost: the owner's source is cancelled, and its signal aborts", async () => {
    const [cancelled, aborted] = [later(), later()];
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(9)),
      cancel: () => cancelled.resolve(),
    });
    await using rig = await tunnelRig(nats, (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve());
      return new Response(stream, events);
    });
    await rig.call("/");
    await rig.connection.close();
    await Promise.all([cancelled.promise, aborted.promise]);
    assert.equal(rig.owner.figures.served, 0);
  });
});

describe("what is lost on the way", () => {
  const total = 3_000_000;
  for (const [what, kind, count, reason] of [
    ["a piece in the middle", "piece", 5, "lost"],
    ["the end", "end", 1, "forgotten"],
  ] as const) {
    test(`${what}: the body fails, and no byte is in another's place`, async () => {
      await using rig = await tunnelRig(nats, () => new Response(patterned(total)));
      lose(rig, (each, so) => each === kind && so === count);
      const response = await rig.call("/");
      await assert.rejects(countPatterned(asBytes(response)), ({ message }) =>
        message.endsWith(frames.reasons[reason]),
      );
      assert.equal(rig.tunnel.figures.bufferedBytes, 0);
    });
  }

  test("the head: the call fails within two pings, while others keep the pings going", async () => {
    await using rig = await tunnelRig(nats, ({ url }) =>
      url.endsWith("/wait") ? new Promise<Response>(() => {}) : new Response("ok"),
    );
    const waiting = rig.call("/wait");
    waiting.catch(() => {});
    await until(() => rig.owner.figures.served === 1, "it has come");
    lose(rig, (kind, count) => kind === "head" && count === 1);
    await assert.rejects(rig.call("/"), lost("forgotten"));
    assert.equal(await (await rig.call("/")).text(), "ok");
    assert.equal(rig.owner.figures.served, 1);
  });

  test("a piece after which none comes, of a stream that goes on: two pings show it", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    await using rig = await tunnelRig(nats, () => new Response(readable));
    void writer.write(new Uint8Array(5));
    const reader = asBytes(await rig.call("/")).getReader();
    await reader.read();
    lose(rig, (kind) => kind === "piece");
    await writer.write(new Uint8Array(5));
    await assert.rejects(reader.read(), /lost/);
  });

  test("a credit: the owner's end fails instead of standing still", async () => {
    await using rig = await tunnelRig(nats, async (request) =>
      Response.json(await countPatterned(request.body)),
    );
    lose(rig, (kind) => kind === "credit");
    const body = patterned(total);
    await assert.rejects(rig.call("/", { method: "POST", body, duplex: "half" }), lost("lost"));
  });
});

describe("the connection to NATS", () => {
  test("lost for a moment at the owner's: what it sends meanwhile comes then", async () => {
    await using proxy = await startProxy(nats.servers[0]!.port);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const go = later();
    const handler = ({ url }: Request) =>
      url.endsWith("/wait")
        ? go.promise.then(() => new Response("ok"))
        : new Response(url.endsWith("/events") ? readable : "ok", events);
    const limits = { pingMs: 500, silentMs: 20_000 };
    await using rig = await tunnelRig(nats, handler, limits, { servers: `127.0.0.1:${proxy.port}` });
    void writer.write(Buffer.from("1"));
    const reader = asBytes(await rig.call("/events")).getReader();
    await reader.read();
    const waiting = rig.call("/wait");
    await until(() => rig.owner.figures.served === 2, "both have come");
    // What has been sent before this has come.
    await rig.call("/");
    const isDown = status(rig.ownerConnection, "disconnect");
    proxy.cut();
    await isDown;
    await writer.write(Buffer.from("2"));
    go.resolve();
    assert.equal(await (await waiting).text(), "ok");
    assert.equal(String(Buffer.from((await reader.read()).value ?? [])), "2");
    await reader.cancel();
    assert.deepEqual(rig.tunnel.figures, { made: 0, served: 0, bufferedBytes: 0, malformed: 0 });
  });

  test("a server that is back soon: quiet streams go on, and a call that comes meanwhile waits", async () => {
    await using own = await startNats();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const limits = { pingMs: 1_000, silentMs: 20_000 };
    const handler = ({ url }: Request) =>
      url.endsWith("/events") ? new Response(readable, events) : new Response("ok");
    await using rig = await tunnelRig(own, handler, limits);
    void writer.write(Buffer.from("1"));
    const reader = asBytes(await rig.call("/events")).getReader();
    await reader.read();
    const both = [rig.connection, rig.ownerConnection];
    const areDown = Promise.all(both.map((each) => status(each, "disconnect")));
    await own.servers[0]!.kill();
    await areDown;
    const areUp = Promise.all(both.map((each) => status(each, "reconnect")));
    const during = rig.call("/", {}, { ownerWithinMs: 10_000 });
    await own.servers[0]!.start();
    await areUp;
    assert.equal(await (await during).text(), "ok");
    await writer.write(Buffer.from("2"));
    assert.equal(String(Buffer.from((await reader.read()).value ?? [])), "2");
    await reader.cancel();
    assert.deepEqual(rig.tunnel.figures, { made: 0, served: 0, bufferedBytes: 0, malformed: 0 });
  });

  test("a server that stays away: calls under way and new ones fail, at both ends", async () => {
    await using own = await startNats();
    const aborted = later();
    await using rig = await tunnelRig(own, (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve());
      return new Promise<Response>(() => {});
    });
    const call = rig.call("/");
    await until(() => rig.owner.figures.served === 1, "it has come");
    await own.servers[0]!.kill();
    await assert.rejects(call, lost("silent"));
    await aborted.promise;
    await assert.rejects(rig.call("/"), NoOwner);
    assert.equal(rig.tunnel.figures.made, 0);
  });

  test("a server that dies in the middle of a body: right bytes or an error", async () => {
    await using own = await startNats();
    const limits = { pingMs: 100, silentMs: 10_000 };
    await using rig = await tunnelRig(own, () => new Response(patterned(50_000_000)), limits);
    const results = [1, 2, 3, 4].map(async () => countPatterned(asBytes(await rig.call("/"))));
    const settled = Promise.allSettled(results);
    await until(() => rig.connection.stats().inBytes > 10_000_000, "some of it has come");
    await own.servers[0]!.kill();
    await own.servers[0]!.start();
    for (const result of await settled) {
      if (result.status === "fulfilled") assert.equal(result.value, 50_000_000);
      else assert.match(String(result.reason), /ended early/);
    }
    assert.equal(
      await countPatterned(asBytes(await rig.call("/", {}, { ownerWithinMs: 5_000 }))),
      50_000_000,
    );
    assert.equal(rig.tunnel.figures.bufferedBytes, 0);
  });

  test("closed: what is under way and what is new fails at once", async () => {
    await using rig = await tunnelRig(nats, () => new Promise<Response>(() => {}));
    const call = rig.call("/");
    await until(() => rig.owner.figures.served === 1, "it has come");
    await rig.connection.close();
    await assert.rejects(call, lost("disconnected"));
    await assert.rejects(rig.call("/"), NoOwner);
  });

  test("refuses a server that takes too small messages, with a sentence", async () => {
    await using rig = await tunnelRig(nats, () => new Response("ok"));
    assert.throws(() => new Tunnel(rig.connection, { mostCalls: 1_000_000 }), /max_payload/);
  });
});

describe("whoever else publishes", () => {
  test("what is no frame is dropped and counted, and calls go on", async () => {
    await using rig = await tunnelRig(nats, (request) => new Response(request.body));
    const stranger = await connect({
      servers: rig.connection.getServer(),
      user: nats.application.user,
      pass: nats.application.password,
    });
    const inboxes: string[] = [];
    stranger.subscribe(rig.subject, { callback: (_, message) => void inboxes.push(message.reply ?? "") });
    await stranger.flush();
    await (await rig.call("/", { method: "POST", body: "x" })).text();
    const inbox = (inboxes[0] ?? "").replace(/\.o\d+$/, "");
    const head = frames.encodeHead({ method: "GET", url: "http://a/", headers: [], body: "none" });
    const open = frames.encodeStart("open", 1, 1, head, new Uint8Array(0));
    const nonsense = [
      new Uint8Array(0),
      Buffer.from("{}"),
      Buffer.alloc(64, 1),
      frames.encodeEnd(1, 1),
      open,
    ];
    for (const bytes of nonsense) {
      for (const token of ["f", "o1", "p1", "o", "x", "o99999999999"])
        stranger.publish(`${inbox}.${token}`, bytes);
      stranger.publish(rig.subject, bytes);
    }
    // An answer to these would be a message of ours, with our rights, at a place of somebody's choice.
    const seen: string[] = [];
    stranger.subscribe("$JS.>", { callback: (_, message) => void seen.push(message.subject) });
    stranger.subscribe("victim.>", { callback: (_, message) => void seen.push(message.subject) });
    for (const reply of ["victim.o1", "$JS.API.STREAM.DELETE.X.o1", "_INBOX.o1", "_INBOX.a.b"])
      stranger.publish(rig.subject, open, { reply });
    await stranger.flush();
    const body = patterned(400_000);
    const response = await rig.call("/", { method: "POST", body, duplex: "half" });
    assert.equal(await countPatterned(asBytes(response)), 400_000);
    assert.deepEqual(seen, []);
    assert.ok(rig.tunnel.figures.malformed >= 20, `${rig.tunnel.figures.malformed} at the caller's`);
    assert.ok(rig.owner.figures.malformed >= 9, `${rig.owner.figures.malformed} at the owner's`);
    await stranger.close();
  });

  test("an opening that is no request is refused, and its caller told", async () => {
    await using rig = await tunnelRig(nats, () => new Response("never"));
    const told = later<string>();
    rig.connection.subscribe("_INBOX.stranger.*", {
      callback: (_, { data }) => {
        const frame = frames.decode(data);
        told.resolve(frame?.kind === "abort" ? frame.reason : (frame?.kind ?? "nothing"));
      },
    });
    const head = frames.encodeHead({ method: "A B", url: "http://a/", headers: [], body: "none" });
    const open = frames.encodeStart("open", 1, 1, head, new Uint8Array(0));
    rig.connection.publish(rig.subject, open, { reply: "_INBOX.stranger.o1" });
    assert.equal(await told.promise, "refused");
    assert.equal(rig.owner.figures.served, 0);
    assert.equal(rig.owner.figures.malformed, 1);
  });

  test("an answer that breaks the rules fails its call alone", async () => {
    await using rig = await tunnelRig(nats, () => new Response("ok"));
    const bad = [
      { status: 42, headers: [], body: "none" },
      { status: 204, headers: [], body: "whole" },
    ] as const;
    for (const head of bad) {
      const subscription = rig.ownerConnection.subscribe("connack.bad.call", {
        callback: (_, message) => {
          const inbox = (message.reply ?? "").replace(/\.o\d+$/, ".f");
          const { id = 0 } = frames.decode(message.data) ?? {};
          rig.ownerConnection.publish(inbox, frames.encodeAccept(id, 1, "_INBOX.bad", 1, 0));
          const start = frames.encodeStart("head", id, 2, frames.encodeHead(head), new Uint8Array(0));
          rig.ownerConnection.publish(inbox, start);
        },
      });
      await rig.ownerConnection.flush();
      await assert.rejects(rig.tunnel.forward("connack.bad.call", new Request("http://a/")), lost("refused"));
      subscription.unsubscribe();
    }
    assert.equal(await (await rig.call("/")).text(), "ok");
  });
});
