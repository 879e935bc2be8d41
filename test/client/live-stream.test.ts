import assert from "node:assert/strict";
import {
  createClient,
  type ConnackEvent,
  type LifecycleType,
  type MessageEvent,
} from "../../src/client/client.ts";
import type { Fetch } from "../../src/client/http.ts";
import { Problem } from "../../src/problem.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startApp } from "../support/app.ts";
import { durablePlace, inState } from "../support/durable-app.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { grantNext, leavesSubscribing } from "../support/subscribe-scripts.ts";
import { describe, it } from "../support/test.ts";

/** The next event of a type; others are passed over. */
async function next<E extends { readonly type: string }, T extends E["type"]>(
  stream: AsyncGenerator<E, void>,
  type: T,
): Promise<E & { readonly type: T }> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done === true || value === undefined) throw new Error(`the stream ended before ${type}`);
    if (value.type === type) return value as E & { readonly type: T };
  }
}

/** A server that answers each call for a stream as the next script says; the last one again for those that follow. */
function scriptedStreams(...scripts: readonly ((signal?: AbortSignal) => Response)[]) {
  const asked: (string | null)[] = [];
  const fetch: Fetch = (_url, init) => {
    asked.push(new Headers(init?.headers).get("last-event-id"));
    const script = scripts[Math.min(asked.length, scripts.length) - 1];
    if (script === undefined) throw new Error("no script");
    return Promise.resolve(script(init?.signal ?? undefined));
  };
  return { asked, fetch };
}

const sse = (text: string, headers: Record<string, string> = {}) =>
  new Response(`retry: 1\n\n${text}`, { headers });
const item = (id: string, type = "connected") => `id: ${id}\nevent: ${type}\ndata: {"id":"${id}"}\n\n`;

describe("events() and messages().stream()", () => {
  it("go on over a restart of the server: nothing is lost, and nothing comes twice", async () => {
    await using broker = await startScriptedBroker((peer) =>
      accepts({}, { sessionPresent: peer.number > 1 })(peer),
    );
    await using place = durablePlace();
    let app = await place.start();
    // The address stays, as behind a proxy, while the server behind it does not.
    const client = createClient({
      url: "http://connack",
      fetch: (url, init) => fetch(url.replace("http://connack", app.url), init),
    });
    await client.connections.put("home", {
      url: broker.url,
      cleanStart: false,
      properties: { sessionExpiryInterval: 3_600 },
      log: { durable: true },
      subscriptions: [{ topicFilter: "#", qos: 1 }],
    });
    const abort = new AbortController();
    const { signal } = abort;
    const events = client.events({ connection: "home", after: "earliest", signal });
    const stream = client.messages("home").stream({ after: "earliest", signal });
    const payload = async () => (await next<MessageEvent, "message">(stream, "message")).payload;
    const first = await next<ConnackEvent, LifecycleType>(events, "connected");
    const say = async (number: number, text: string) => {
      const peer = await broker.connection(number);
      peer.send({ ...message("t", text), qos: 1, messageId: 1 });
      await peer.next("puback");
    };
    await say(1, "1");
    assert.equal(await payload(), "1");
    await say(1, "2");
    await app.stop();
    app = await place.start();
    await inState(app, "home", "connected");
    await say(2, "3");
    assert.deepEqual([await payload(), await payload()], ["2", "3"]);
    const second = await next<ConnackEvent, LifecycleType>(events, "connected");
    assert.equal(second.attempt, 1);
    assert.notEqual(second.id, first.id);
    const { items } = (await app.call("GET", "/connections/home/events?format=json")).body;
    const ids = items
      .filter(({ type }: { type: string }) => type === "connected")
      .map(({ id }: { id: string }) => id);
    assert.deepEqual(ids, [first.id, second.id]);
    abort.abort();
    assert.deepEqual(
      [await stream.next(), await events.next()].map(({ done }) => done),
      [true, true],
    );
  });

  it("end with `closed`, which is left out where it is not wanted, and throw when the connection is gone", async () => {
    await using broker = await startScriptedBroker(leavesSubscribing());
    await using app = await startApp();
    const client = createClient({ url: app.url });
    await client.connections.create({ id: "home", url: broker.url });
    const some = client.events({ connection: "home", types: ["closing"] });
    const all = client.events({ connection: "home" });
    const stream = client.messages("home").stream({ subscribe: "a/#", qos: 1 });
    const arrived = next<MessageEvent, "message">(stream, "message");
    const peer = await broker.connection(1);
    assert.deepEqual(await grantNext(peer), ["a/#"]);
    peer.send(message("a/1", "x"));
    assert.equal((await arrived).payload, "x");
    for (const events of [some, all]) assert.equal((await events.next()).value?.type, "snapshot");
    await client.connections.delete("home");
    const types: string[][] = [[], []];
    for await (const { type } of some) types[0]?.push(type);
    for await (const { type } of all) types[1]?.push(type);
    assert.deepEqual([types[0], types[1]?.slice(-2)], [["closing"], ["closing", "closed"]]);
    await assert.rejects(stream.next(), { name: "ConnackProblem", code: "not-found" });
  });

  it("resume after the last event that was taken, a heartbeat's id, and where a gap said", async () => {
    const { asked, fetch } = scriptedStreams(
      () => sse(item("e-1"), { "connack-last-event-id": "e-0" }),
      () => sse(`event: snapshot\ndata: {}\n\n`),
      () => sse(`: heartbeat\nid: e-5\n\n`),
      () => new Response("", { status: 502 }),
      () =>
        sse(`event: gap\ndata: {"reason":"restarted","requested":"e-5","oldest":"f-3"}\n\n`, {
          "connack-last-event-id": "f-2",
        }),
      () => new Response(`{"code":"forbidden"}`, { status: 403 }),
    );
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { type } of createClient({ url: "http://x", fetch }).events()) seen.push(type);
      },
      { code: "forbidden", status: 403 },
    );
    assert.deepEqual(asked, [null, "e-1", "e-1", "e-5", "e-5", "f-2"]);
    assert.deepEqual(seen, ["connected", "snapshot", "gap"]);
  });

  it("wait while no node of a cluster has the connection, and see where it has come", async () => {
    const details = { detail: "No node has it", duplicatePossible: true };
    const noOwner = (retryAfter = "0") => {
      const body = JSON.stringify(new Problem("no-owner", details).toBody("r"));
      const headers = { "content-type": "application/problem+json", "retry-after": retryAfter };
      return new Response(body, { status: 503, headers });
    };
    const { asked, fetch } = scriptedStreams(
      () => sse(item("e-1")),
      () => noOwner(),
      () => noOwner(),
      () => sse(`id: e-2\nevent: moved\ndata: {"from":"a","to":"b","cause":"node-lost"}\n\n`),
    );
    const events = createClient({ url: "http://x", fetch }).events({ connection: "home" });
    const moved = await next<ConnackEvent, LifecycleType>(events, "moved");
    assert.deepEqual([moved.from, moved.to, moved.cause], ["a", "b", "node-lost"]);
    await events.return();
    assert.deepEqual(asked, [null, "e-1", "e-1", "e-1"]);
    const other = createClient({ url: "http://x", fetch: () => Promise.resolve(noOwner("2")) });
    await assert.rejects(other.publish("home", { topic: "t" }), {
      ...{ name: "ConnackProblem", code: "no-owner", retryable: true, duplicatePossible: true },
      retryAfterSeconds: 2,
    });
  });

  it("begin where the first stream began, though it brought nothing", async () => {
    const { asked, fetch } = scriptedStreams(
      () => sse("", { "connack-last-event-id": "e-9" }),
      () => sse(item("e-10")),
    );
    const events = createClient({ url: "http://x", fetch }).events();
    await events.next();
    await events.return();
    assert.deepEqual(asked, [null, "e-9"]);
  });

  it("take a stream without a byte for lost", async () => {
    const silent = (signal?: AbortSignal) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("retry: 1\n\n"));
            signal?.addEventListener("abort", () => controller.error(new Error("aborted")));
          },
        }),
      );
    const { asked, fetch } = scriptedStreams(silent, () => sse(item("e-1")));
    const events = createClient({ url: "http://x", fetch, streamSilenceMs: 20 }).events({ after: "e-0" });
    assert.equal((await events.next()).value?.type, "connected");
    await events.return();
    assert.deepEqual(asked, ["e-0", "e-0"]);
  });
});
