import assert from "node:assert/strict";
import type { Scope } from "../../src/access/principal.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { readSlowly } from "../support/slow-reader.ts";
import { callerOf, withTokens, type Caller } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

const skip = needs("mosquitto");

type Calls = Pick<TestApp | Caller, "call">;

const subscriptions = [{ topicFilter: "#", qos: 0 }];

async function open({ call }: Calls, url: string, id = "home", more: object = {}): Promise<void> {
  const made = await call("POST", "/connections", { id, url, subscriptions, ...more });
  assert.equal(made.status, 201, made.text);
}

/** Publishes by a connection to itself; QoS 1, so that the broker has it. */
async function publish({ call }: Calls, topic: string, payload: string, id = "home"): Promise<void> {
  const { status, text } = await call("POST", `/connections/${id}/publish`, { topic, payload, qos: 1 });
  assert.equal(status, 200, text);
}

describe("GET /events?messages=", () => {
  it(
    "has a connection's messages in between, from now on, which move no Last-Event-ID",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await open(app, broker.url);
      await open(app, broker.url, "other");
      await publish(app, "t", "before");
      await using stream = await app.events("/events?messages=home");
      const snapshot = await stream.next("snapshot");
      await publish(app, "t", "21.5");
      const message = await stream.next();
      assert.deepEqual([message.type, message.data.topic, message.data.payload], ["message", "t", "21.5"]);
      const { body } = await app.call("GET", "/connections/home/messages");
      assert.deepEqual(message.data, body.items.at(-1));
      assert.match(String(snapshot.id), /-\d+$/);
      assert.equal(message.id, undefined);
      assert.equal((await app.call("POST", "/connections/other/reconnect")).status, 200);
      const event = await stream.next();
      assert.deepEqual([event.data.connection, event.data.type], ["other", "disconnected"]);
      await using resumed = await app.events(`/events?messages=home&lastEventId=${event.id}`);
      assert.equal(stream.seen.filter(({ type }) => type === "message").length, 1);
      await resumed.next("connected");
      assert.ok(resumed.seen.every(({ type }) => type !== "message"));
    },
    { skip },
  );

  it(
    "as lines names the type of each, and keeps to types and connections for events alone",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await open(app, broker.url);
      const over = new AbortController();
      const query = "?messages=home&types=closed&connection=none&format=ndjson";
      const response = await fetch(`${app.url}/events${query}`, { signal: over.signal });
      await publish(app, "t", "1");
      let text = "";
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('"topic"')) break;
      }
      over.abort();
      const lines = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines.map(({ type }) => type),
        ["open", "snapshot", "message"],
      );
    },
    { skip },
  );

  it(
    "goes on with events when the connection has closed, and counts as one stream",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp({ CONNACK_MAX_STREAMS: "1" });
      await open(app, broker.url);
      await open(app, broker.url, "other");
      await using stream = await app.events("/events?messages=home");
      const second = await app.call("GET", "/events?messages=home");
      assert.deepEqual([second.status, second.body.code], [429, "limit-reached"]);
      assert.equal((await app.call("DELETE", "/connections/home")).status, 200);
      assert.equal((await stream.next("closed")).data.connection, "home");
      assert.equal((await app.call("DELETE", "/connections/other")).status, 200);
      assert.equal((await stream.next("closed")).data.connection, "other");
    },
    { skip },
  );

  it(
    "keeps a connection from going idle, as a stream of its messages does",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await open(app, broker.url, "home", { idleTtlMs: 1_000 });
      const stream = await app.events("/events?messages=home");
      const expiry = async () => {
        const { body } = await app.call("GET", "/connections?limit=1");
        return body.items[0].expiresAt;
      };
      assert.equal(await expiry(), null);
      await stream[Symbol.asyncDispose]();
      const closed = await app.events("/events?lastEventId=earliest");
      await closed.next("closed");
      await closed[Symbol.asyncDispose]();
    },
    { skip },
  );

  it(
    "refuses what has no messages: 404, and 422 for the history",
    async () => {
      await using app = await startApp();
      for (const query of ["?messages=none", "?messages=", "?messages=none&format=json"]) {
        const { status, body } = await app.call("GET", `/events${query}`);
        assert.deepEqual([status, body.code], [404, "not-found"], query);
      }
      await app.open({ id: "c", url: "mqtt://127.0.0.1:1" }, "?wait=0");
      const { status, body } = await app.call("GET", "/events?messages=c&format=json");
      assert.deepEqual([status, body.errors[0].parameter], [422, "messages"]);
      const own = await app.call("GET", "/connections/c/events?messages=c");
      assert.deepEqual([own.status, own.body.errors[0].parameter], [422, "messages"]);
    },
    { skip },
  );

  it(
    "tells a reader that is too slow of a gap in the messages, and ends",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await open(app, broker.url, "home", { log: { messages: 10, bytes: 4_194_304 } });
      using reader = await readSlowly(
        Number(new URL(app.url).port),
        "/events?messages=home&format=ndjson",
        0,
      );
      const payload = "x".repeat(200_000);
      // As much as the sockets between them take, and more than the reader is given ahead.
      for (let i = 0; i < 100; i += 1) await publish(app, "t", payload);
      assert.ok(!reader.text().includes('"gap"'));
      reader.resume();
      await reader.closed;
      assert.match(reader.text(), /"type":"gap","messages":"home","requested":"[^"]+"/);
    },
    { skip, timeout: 60_000 },
  );
});

describe("GET /events?messages=, with tokens", () => {
  it(
    "needs the scope for messages besides, before it tells what is there",
    async () => {
      await using app = await startApp(withTokens);
      const scopes: Scope[] = ["connections:read"];
      const caller = await callerOf(app, { scopes });
      const refused = await caller.call("GET", "/events?messages=none");
      assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"]);
      assert.ok(refused.body.detail.includes("the scope subscribe,"), refused.body.detail);
      const other = await callerOf(app, { scopes: ["subscribe"] });
      assert.equal((await other.call("GET", "/events?messages=none")).status, 403);
    },
    { skip },
  );

  it(
    "shows another tenant's connection to nobody, and no topic that the token may not read",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp(withTokens);
      const ours = await callerOf(app, { tenant: "ours" });
      const theirs = await callerOf(app, { tenant: "theirs" });
      const narrow = await callerOf(app, { tenant: "ours", subscribe: ["open/#"] });
      await open(ours, broker.url);
      const { status, body } = await theirs.call("GET", "/events?messages=home");
      assert.deepEqual([status, body.code], [404, "not-found"]);
      await using all = await ours.events("/events?messages=home");
      await using some = await narrow.events("/events?messages=home");
      await publish(ours, "secret/1", "hidden");
      await publish(ours, "open/1", "shown");
      assert.equal((await all.next("message")).data.payload, "hidden");
      assert.equal((await some.next("message")).data.payload, "shown");
    },
    { skip },
  );

  it(
    "is not what a ticket for events opens",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp(withTokens);
      const caller = await callerOf(app);
      await open(caller, broker.url);
      const { body } = await caller.call("POST", "/stream-tickets", { path: "/events" });
      const refused = await app.call("GET", `/events?messages=home&ticket=${body.ticket}`);
      assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"]);
      await using stream = await app.events(`/events?ticket=${body.ticket}`);
      assert.equal((await stream.next()).type, "snapshot");
    },
    { skip },
  );

  it(
    "ends when the token is revoked",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp(withTokens);
      const caller = await callerOf(app);
      await open(caller, broker.url);
      await using stream = await caller.events("/events?messages=home");
      await caller.revoke();
      await stream.next("unauthorized");
      await stream.ended;
    },
    { skip },
  );
});
