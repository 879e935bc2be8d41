import assert from "node:assert/strict";
import { StoreError } from "../../src/store/store.ts";
import { standardSchedule } from "../../src/webhooks/schedule.ts";
import { webhookPatchSchema } from "../../src/webhooks/webhook.ts";
import { describe, it } from "../support/test.ts";
import {
  inTurn,
  quick,
  silence,
  startEndpoint,
  status,
  verify,
  type Received,
} from "../support/webhook-endpoint.ts";
import { FakeConnection, FakeConnections, startWebhooks, TestStore } from "../support/webhook-rig.ts";

const payloads = (all: readonly Received[]): string[] =>
  all.map(({ body }) => (body.type === "connack.message" ? body.data.payload : body.type));
const idsOf = (all: readonly Received[]) => all.map(({ headers }) => headers["webhook-id"]);
const patch = (fields: object) => webhookPatchSchema.parse(fields);

/** Resolves when `holds`, looked at whenever the event loop turns. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

describe("Webhooks: what is delivered", () => {
  it("delivers messages that match, in order, signed, from now on", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    home.receive("a/b", "before");
    const { secret } = await rig.create({ url: endpoint.url, topics: ["a/+"] });
    home.receive("a/b", "1");
    home.receive("x", "no");
    home.receive("a/c", "2", "3");
    home.happen("connected");
    await endpoint.nth(3);
    assert.deepEqual(payloads(endpoint.received), ["1", "2", "3"]);
    for (const one of endpoint.received) verify(secret ?? "", one);
    const { body } = await endpoint.nth(1);
    assert.deepEqual(Object.keys(body), ["type", "timestamp", "data"]);
    assert.equal(body.data.connection, "home");
    assert.equal(body.data.topic, "a/b");
    assert.equal(body.timestamp, body.data.at);
  });

  it("delivers events by their types, or all of them", async () => {
    await using some = await startEndpoint();
    await using all = await startEndpoint();
    await using rig = await startWebhooks();
    await rig.create({ url: some.url, events: ["connected", "failed"] });
    await rig.create({ url: all.url, events: ["*"] });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    home.receive("t", "no");
    home.happen("connecting", "connected", "disconnected", "failed");
    await all.nth(4);
    await some.nth(2);
    const types = (list: readonly Received[]) => list.map(({ body }) => body.type);
    assert.deepEqual(types(some.received), ["connack.event.connected", "connack.event.failed"]);
    assert.equal(types(all.received).length, 4);
    assert.equal(all.received[0]?.body.data.type, "connecting");
  });

  it("delivers of one connection, or of all, those that come later too", async () => {
    await using one = await startEndpoint();
    await using all = await startEndpoint();
    await using rig = await startWebhooks();
    await rig.create({ url: one.url, topics: ["#"], connection: "b" });
    await rig.create({ url: all.url, topics: ["#"] });
    const [a, b] = ["a", "b"].map((id) => rig.connections.add(new FakeConnection(id, id)));
    a?.receive("t", "a1");
    b?.receive("t", "b1");
    await all.nth(2);
    await one.nth(1);
    assert.deepEqual(payloads(all.received).toSorted(), ["a1", "b1"]);
    assert.deepEqual(payloads(one.received), ["b1"]);
  });

  it("keeps numbers as they were written", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    await rig.create({ url: endpoint.url, topics: ["#"], format: "cloudevents" });
    home.receive("n", "12345678901234567890");
    const { text, headers } = await endpoint.nth(1);
    assert.match(text, /"payload":"12345678901234567890"/);
    assert.equal(headers["content-type"], "application/cloudevents+json");
  });
});

describe("Webhooks: order and repetition", () => {
  it("sends the next one of a log only when the one before was accepted; the id stays the same", async () => {
    await using endpoint = await startEndpoint(inTurn(status(500), status(500), status(204)));
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1", "2");
    await endpoint.nth(4);
    assert.deepEqual(payloads(endpoint.received), ["1", "1", "1", "2"]);
    const [first, second, third, fourth] = idsOf(endpoint.received);
    assert.deepEqual([first, first], [second, third]);
    assert.notEqual(first, fourth);
    await eventually(() => rig.webhooks.view(id).counters.delivered === 2);
    const { counters, failuresInARow, lastFailure } = rig.webhooks.view(id);
    assert.deepEqual([counters.delivered, counters.failed, failuresInARow], [2, 2, 0]);
    assert.equal(lastFailure?.status, 500);
    const attempts = rig.webhooks.attempts(id, null, 100).items;
    assert.deepEqual(
      attempts.map(({ attempt, state }) => `${attempt} ${state}`),
      ["1 failed", "2 failed", "3 delivered", "1 delivered"],
    );
  });

  it("one endpoint that hangs delays no other webhook, nor does a lane another", async () => {
    await using bad = await startEndpoint(silence);
    await using good = await startEndpoint();
    await using rig = await startWebhooks({ maxWebhookRequests: 9 });
    const many = Array.from({ length: 20 }, (_, n) =>
      rig.connections.add(new FakeConnection(`c${n}`, `c${n}`)),
    );
    await rig.create({ url: bad.url, topics: ["#"] });
    await rig.create({ url: good.url, topics: ["#"] });
    for (const connection of many) connection.receive("t", "x");
    await bad.nth(8);
    await good.nth(20);
    assert.equal(bad.received.length, 8);
  });

  it("an endpoint that fails is asked one at a time", async () => {
    let open = 0;
    let most = 0;
    await using endpoint = await startEndpoint((response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.writeHead(500).end();
      });
    });
    await using rig = await startWebhooks();
    const first = rig.connections.add(new FakeConnection("first", "f"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    first.receive("t", "x");
    await eventually(() => rig.webhooks.view(id).failuresInARow > 0);
    for (let n = 0; n < 20; n += 1)
      rig.connections.add(new FakeConnection(`c${n}`, `c${n}`)).receive("t", "x");
    await endpoint.nth(40);
    assert.equal(most, 1);
  });

  it("leaves an endpoint alone for as long as it asks, over all lanes", async () => {
    await using endpoint = await startEndpoint(inTurn(status(429, { "retry-after": "3600" }), status(204)));
    await using rig = await startWebhooks({ schedule: standardSchedule });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1");
    await eventually(() => rig.webhooks.view(id).nextAttemptAt !== null);
    const next = Date.parse(rig.webhooks.view(id).nextAttemptAt ?? "");
    assert.ok(next > Date.now() + 3_500_000);
    rig.connections.add(new FakeConnection("other", "b")).receive("t", "2");
    // These go in between, and leave the other lane its turns.
    for (let n = 0; n < 5; n += 1)
      assert.equal((await rig.webhooks.test(id, new AbortController().signal)).state, "delivered");
    assert.deepEqual(
      payloads(endpoint.received).filter((payload) => payload !== "connack.test"),
      ["1"],
    );
    // Who changes the webhook wants it tried at once.
    await rig.webhooks.patch(id, patch({ enabled: true }));
    await endpoint.nth(8);
    assert.deepEqual(payloads(endpoint.received).slice(6).toSorted(), ["1", "2"]);
  });

  it("tells of what was lost while the endpoint was away, before it goes on", async () => {
    await using endpoint = await startEndpoint(silence);
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a", 3));
    await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1");
    await endpoint.nth(1);
    home.receive("t", "2", "3", "4", "5", "6", "7");
    const held = endpoint.received.length;
    endpoint.answer = status(204);
    await rig.webhooks.patch(
      rig.webhooks.list({ labels: [], limit: 1, after: null }).items[0]?.id ?? "",
      patch({ enabled: true }),
    );
    await endpoint.nth(held + 4);
    const after = endpoint.received.slice(held);
    assert.deepEqual(payloads(after), ["connack.gap", "5", "6", "7"]);
    const { data } = after[0]?.body ?? {};
    assert.deepEqual(
      [data.connection, data.log, data.requested, data.oldest, data.reason],
      ["home", "messages", "am-0", "am-5", "expired"],
    );
    assert.deepEqual(rig.gaps, ["expired"]);
  });

  it("reads the log of a connection that was replaced to its end, then the new one's", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const old = rig.connections.add(new FakeConnection("home", "a"));
    await rig.create({ url: endpoint.url, topics: ["#"], events: ["closed"] });
    const young = rig.connections.add(new FakeConnection("home", "b"));
    young.receive("t", "young");
    old.receive("t", "old");
    old.happen("closed");
    old.close();
    await endpoint.nth(3);
    const messages = endpoint.received.filter(({ body }) => body.type === "connack.message");
    assert.deepEqual(payloads(messages), ["old", "young"]);
  });

  it("forgets the place of a connection that is gone, when all of it was delivered", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    await rig.create({ url: endpoint.url, topics: ["#"], events: ["*"] });
    home.receive("t", "1");
    home.happen("closed");
    await endpoint.nth(2);
    await eventually(async () => Object.keys(await rig.store.all("webhook-cursors")).length === 2);
    home.close();
    await eventually(async () => Object.keys(await rig.store.all("webhook-cursors")).length === 0);
  });

  it("keeps the logs of a hundred connections that are gone, and says how much was lost of the others", async () => {
    await using endpoint = await startEndpoint(silence);
    await using rig = await startWebhooks();
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    for (let n = 0; n < 105; n += 1) {
      const gone = rig.connections.add(new FakeConnection(`c${n}`, `c${n}`));
      gone.receive("t", "1", "2");
      gone.close();
    }
    await eventually(() => rig.webhooks.view(id).counters.deadDropped === 10);
  });
});

describe("Webhooks: what is given up", () => {
  const short = { ...quick, giveUpAfterMs: 300 };

  it("keeps what could not be delivered, goes on, and delivers it again when told to", async () => {
    await using endpoint = await startEndpoint((response, _, { body }) =>
      response.writeHead(body.data.payload === "bad" ? 500 : 204).end(),
    );
    await using rig = await startWebhooks({ schedule: short });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "bad", "good");
    await eventually(() => payloads(endpoint.received).includes("good"));
    const { items } = await rig.webhooks.deadLetters(id, null, 10);
    assert.equal(items.length, 1);
    const [letter = assert.fail()] = items;
    assert.equal(letter.lastFailure.status, 500);
    assert.ok(letter.attempts >= 2);
    assert.equal(JSON.parse(letter.text).data.payload, "bad");
    assert.equal(letter.id, idsOf(endpoint.received)[0]);
    assert.deepEqual(rig.webhooks.view(id).counters.dead, 1);

    const signal = new AbortController().signal;
    assert.equal((await rig.webhooks.replay(id, letter.id, signal)).state, "failed");
    assert.equal(rig.webhooks.view(id).counters.dead, 1);
    endpoint.answer = status(204);
    assert.equal((await rig.webhooks.replay(id, letter.id, signal)).state, "delivered");
    assert.equal(rig.webhooks.view(id).counters.dead, 0);
    assert.equal(endpoint.received.at(-1)?.text, letter.text);
    assert.equal(endpoint.received.at(-1)?.headers["webhook-id"], letter.id);
    await assert.rejects(rig.webhooks.replay(id, letter.id, signal), { code: "not-found" });
  });

  it("replays all, oldest first, until one fails", async () => {
    await using endpoint = await startEndpoint(status(500));
    await using rig = await startWebhooks({ schedule: { ...short, giveUpAfterMs: 0 } });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1", "2", "3", "4");
    await eventually(() => rig.webhooks.view(id).counters.dead === 4);
    const before = endpoint.received.length;
    endpoint.answer = (response, _, { body }) =>
      response.writeHead(body.data.payload === "3" ? 500 : 204).end();
    assert.equal(rig.webhooks.replayAll(id), 4);
    await eventually(() => rig.webhooks.view(id).counters.dead === 2);
    await endpoint.nth(before + 3);
    await eventually(() => rig.webhooks.attempts(id, null, 100).items.length === 7);
    assert.deepEqual(payloads(endpoint.received.slice(before)), ["1", "2", "3"]);
    assert.equal(rig.webhooks.view(id).counters.dead, 2);
  });

  it("does not go on when what is given up cannot be kept", async () => {
    await using endpoint = await startEndpoint(status(500));
    await using rig = await startWebhooks({ schedule: { ...quick, giveUpAfterMs: 0 } });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    rig.store.failure = new StoreError("full", "no room");
    home.receive("t", "1", "2");
    await endpoint.nth(3);
    assert.deepEqual(payloads(endpoint.received), ["1", "1", "1"]);
    rig.store.failure = null;
    await eventually(() => rig.webhooks.view(id).counters.dead === 2);
  });
});

describe("Webhooks: restarts", () => {
  it("goes on where it stopped, with the same ids, secrets, and dead letters", async () => {
    await using endpoint = await startEndpoint(inTurn(status(204), silence));
    const [store, connections] = [new TestStore("s"), new FakeConnections()];
    const home = connections.add(new FakeConnection("home", "a"));
    const before = await startWebhooks({ store, connections });
    home.receive("t", "0");
    const { id, secret } = await before.create({ url: endpoint.url, topics: ["#"], labels: { a: "b" } });
    home.receive("t", "1", "2", "3");
    await endpoint.nth(2);
    const view = before.webhooks.view(id);
    await before.webhooks.close();

    endpoint.answer = status(204);
    await using after = await startWebhooks({ store, connections });
    await endpoint.nth(4);
    assert.deepEqual(payloads(endpoint.received), ["1", "2", "2", "3"]);
    const ids = idsOf(endpoint.received);
    assert.equal(ids[1], ids[2]);
    for (const one of endpoint.received) verify(secret ?? "", one);
    const again = after.webhooks.view(id);
    assert.deepEqual([again.createdAt, again.labels], [view.createdAt, { a: "b" }]);
  });

  it("after a crash the last one comes again, and nothing is left out", async () => {
    await using endpoint = await startEndpoint();
    const [store, connections] = [new TestStore("s"), new FakeConnections()];
    const home = connections.add(new FakeConnection("home", "a"));
    home.receive("t", "0");
    const before = await startWebhooks({ store, connections });
    await before.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1");
    await eventually(
      async () => Object.values(await store.all("webhook-cursors"))[0] === '{"id":"am-2","tries":null}',
    );
    // From here on nothing is kept, as though the process had died.
    store.failure = new StoreError("unavailable", "gone");
    home.receive("t", "2");
    await endpoint.nth(2);
    await before.webhooks.close();
    store.failure = null;
    home.receive("t", "3");
    await using after = await startWebhooks({ store, connections });
    void after;
    await endpoint.nth(4);
    assert.deepEqual(payloads(endpoint.received), ["1", "2", "2", "3"]);
  });

  it("begins where it was created, though nothing was delivered before the crash", async () => {
    await using endpoint = await startEndpoint();
    const [store, connections] = [new TestStore("s"), new FakeConnections()];
    const home = connections.add(new FakeConnection("home", "a"));
    home.receive("t", "0");
    const before = await startWebhooks({ store, connections });
    await before.create({ url: endpoint.url, topics: ["#"] });
    store.failure = new StoreError("unavailable", "gone");
    await before.webhooks.close();
    store.failure = null;
    home.receive("t", "1");
    await using after = await startWebhooks({ store, connections });
    void after;
    await endpoint.nth(1);
    assert.deepEqual(payloads(endpoint.received), ["1"]);
  });

  it("tells of a log that did not survive", async () => {
    await using endpoint = await startEndpoint();
    const store = new TestStore("s");
    {
      await using before = await startWebhooks({ store });
      const home = before.connections.add(new FakeConnection("home", "a"));
      await before.create({ url: endpoint.url, topics: ["#"] });
      home.receive("t", "1");
      await eventually(async () => Object.keys(await store.all("webhook-cursors")).length === 1);
    }
    await using after = await startWebhooks({ store });
    after.connections.add(new FakeConnection("home", "b")).receive("t", "2");
    await endpoint.nth(3);
    assert.deepEqual(payloads(endpoint.received), ["1", "connack.gap", "2"]);
    assert.deepEqual(endpoint.received[1]?.body.data.reason, "restarted");
    assert.deepEqual(after.gaps, ["restarted"]);
  });

  it("stops when another process takes the store", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    await rig.create({ url: endpoint.url, topics: ["#"] });
    await rig.store.acquire();
    home.receive("t", "1", "2");
    await eventually(() => rig.logs.some((line) => line.includes("another process owns the store")));
    home.receive("t", "3");
    await new Promise(setImmediate);
    assert.deepEqual(payloads(endpoint.received), ["1"]);
  });
});

describe("Webhooks: changes", () => {
  it("PATCH rotates the secret: both sign until the overlap is over", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const { id, secret: old } = await rig.create({ url: endpoint.url, topics: ["#"] });
    const signal = new AbortController().signal;
    const { secret: young } = await rig.webhooks.patch(id, patch({ secret: null }));
    assert.ok(old !== null && young !== null && old !== young);
    await rig.webhooks.test(id, signal);
    verify(old, await endpoint.nth(1));
    verify(young, await endpoint.nth(1));
    const { secret: last } = await rig.webhooks.patch(id, patch({ secret: null, secretOverlapSeconds: 0 }));
    await rig.webhooks.test(id, signal);
    const second = await endpoint.nth(2);
    verify(last ?? "", second);
    for (const gone of [old, young]) assert.throws(() => verify(gone, second));
    const stored = JSON.parse((await rig.store.all("webhooks"))[id] ?? "");
    assert.equal(stored.secrets.length, 1);
  });

  it("PATCH to another URL delivers there what was under way", async () => {
    await using hanging = await startEndpoint(silence);
    await using good = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: hanging.url, topics: ["#"] });
    home.receive("t", "1");
    await hanging.nth(1);
    await rig.webhooks.patch(id, patch({ url: good.url }));
    assert.deepEqual(payloads([await good.nth(1)]), ["1"]);
    await hanging.idle();
  });

  it("PATCH of what is wanted ends lanes and begins others at the end of their logs", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    home.happen("connecting");
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    home.receive("t", "1");
    await endpoint.nth(1);
    await rig.webhooks.patch(id, patch({ topics: [], events: ["*"] }));
    home.receive("t", "2");
    home.happen("connected");
    await endpoint.nth(2);
    assert.equal(endpoint.received[1]?.body.data.type, "connected");
    await assert.rejects(rig.webhooks.patch(id, patch({ events: [] })), { code: "invalid-request" });
    const cursors = Object.keys(await rig.store.all("webhook-cursors"));
    assert.deepEqual(cursors, [`${id}/home/events`]);
  });

  it("patch() has what it changes checked when its turn comes, and not before", async () => {
    await using rig = await startWebhooks();
    const { id } = await rig.create({ url: "http://127.0.0.1:9/", topics: ["open"], enabled: false });
    const first = rig.webhooks.patch(id, patch({ topics: ["secret"] }));
    const refusal = new Error("not this one");
    const second = rig.webhooks.patch(id, patch({ url: "http://127.0.0.1:10/" }), ({ topics }) => {
      if (topics.some((topic) => topic === "secret")) throw refusal;
    });
    await assert.rejects(second, refusal);
    await first;
    assert.equal(rig.webhooks.view(id).url, "http://127.0.0.1:9/");
  });

  it("disabled it sends nothing, and enabled again it goes on where it stopped", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    await rig.webhooks.patch(id, patch({ enabled: false }));
    const { state, enabled, disabled } = rig.webhooks.view(id);
    assert.deepEqual([state, enabled, disabled?.reason], ["disabled", false, "requested"]);
    home.receive("t", "1");
    await new Promise(setImmediate);
    assert.equal(endpoint.received.length, 0);
    await rig.webhooks.patch(id, patch({ enabled: true }));
    await endpoint.nth(1);
    assert.equal(rig.webhooks.view(id).state, "active");
  });

  it("DELETE hangs up, and leaves nothing in the store", async () => {
    await using endpoint = await startEndpoint(inTurn(status(500), status(204), status(204), silence));
    await using rig = await startWebhooks({ schedule: { ...quick, giveUpAfterMs: 0 } });
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"], events: ["*"] });
    home.receive("t", "dead", "1");
    home.happen("x");
    await endpoint.nth(3);
    home.receive("t", "2");
    await endpoint.nth(4);
    assert.equal(rig.webhooks.view(id).counters.dead, 1);
    await rig.webhooks.remove(id);
    await endpoint.idle();
    for (const space of ["webhooks", "webhook-cursors", "webhook-dropped", `webhook-dead/${id}`])
      assert.deepEqual(await rig.store.all(space), {}, space);
    home.receive("t", "3");
    await new Promise(setImmediate);
    assert.equal(endpoint.received.length, 4);
    assert.throws(() => rig.webhooks.view(id), { code: "not-found" });
  });

  it("DELETE leaves nothing of what was being given up at that moment", async () => {
    await using endpoint = await startEndpoint(status(500));
    await using rig = await startWebhooks({ schedule: { ...quick, giveUpAfterMs: 0 } });
    const [a, b] = ["a", "b"].map((id) => rig.connections.add(new FakeConnection(id, id)));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    const { promise, resolve } = Promise.withResolvers<void>();
    rig.store.gate = promise;
    const before = rig.store.commits;
    a?.receive("t", "1");
    b?.receive("t", "2");
    await eventually(() => rig.webhooks.view(id).counters.failed === 2 && rig.store.commits > before);
    const removed = rig.webhooks.remove(id);
    resolve();
    await removed;
    for (const space of ["webhooks", "webhook-cursors", `webhook-dead/${id}`])
      assert.deepEqual(await rig.store.all(space), {}, space);
  });

  it("DELETE that cannot be kept changes nothing", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    const home = rig.connections.add(new FakeConnection("home", "a"));
    const { id } = await rig.create({ url: endpoint.url, topics: ["#"] });
    rig.store.failure = new StoreError("unavailable", "away");
    await assert.rejects(rig.webhooks.remove(id), /away/);
    rig.store.failure = null;
    home.receive("t", "1");
    await endpoint.nth(1);
    await rig.webhooks.remove(id);
  });

  it("what cannot be kept is not there", async () => {
    await using endpoint = await startEndpoint();
    await using rig = await startWebhooks();
    rig.store.failure = new StoreError("full", "no room");
    await assert.rejects(rig.create({ url: endpoint.url, topics: ["#"] }), /no room/);
    assert.deepEqual(rig.webhooks.list({ labels: [], limit: 10, after: null }).items, []);
  });
});
