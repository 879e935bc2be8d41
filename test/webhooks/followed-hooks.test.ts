import assert from "node:assert/strict";
import { topicFilterSchema } from "../../src/mqtt/fields.ts";
import { StoreError, type Lease } from "../../src/store/store.ts";
import { Definitions } from "../../src/webhooks/definitions.ts";
import { putWebhook } from "../../src/webhooks/hook.ts";
import { webhookSpace } from "../../src/webhooks/records.ts";
import type { TenantRole } from "../../src/webhooks/role.ts";
import type { Webhook } from "../../src/webhooks/webhook.ts";
import { FollowedStore } from "../support/followed-store.ts";
import { describe, it } from "../support/test.ts";
import {
  secretOf,
  startEndpoint,
  status,
  verify,
  type WebhookEndpoint,
} from "../support/webhook-endpoint.ts";
import { FakeConnection, FakeConnections, startWebhooks, TestStore } from "../support/webhook-rig.ts";

const away = new StoreError("unavailable", "away");
const topics = [topicFilterSchema.parse("t/#")];

/** A cell that keeps a webhook, and the store and the connections of one that follows it, by whichever node. */
async function scene() {
  const home = new FollowedStore("home");
  const lease: Lease = await home.acquire();
  const endpoint = await startEndpoint();
  const store = new TestStore("own");
  const connections = new FakeConnections();
  const connection = connections.add(new FakeConnection("a", "e"));
  const webhook: Webhook = {
    ...{ id: "w_1", url: endpoint.url, connection: null, topics, events: [], format: "connack", labels: {} },
    ...{ standing: { state: "enabled" }, createdAt: 0 },
    secrets: [{ sealed: `plain:${secretOf(1)}`, until: null }],
  };
  const gone: string[] = [];
  const role = (): TenantRole => ({
    kind: "followed",
    definitions: new Definitions(home.follow(), ""),
    tellGone: async (id) => {
      gone.push(id);
      return true;
    },
  });
  return {
    ...{ home, endpoint, store, connections, connection, webhook, gone },
    put: (fields: Partial<Webhook> = {}) => home.commit(lease, [putWebhook({ ...webhook, ...fields })]),
    remove: () => home.commit(lease, [{ type: "delete", space: webhookSpace, key: webhook.id }]),
    start: () => startWebhooks({ store, connections, role: role() }),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

const payloads = ({ received }: WebhookEndpoint) => received.map(({ body }): string => body.data.payload);

/** Resolves when the webhook is shown so; null where it is not there. */
async function until(
  { webhooks }: Awaited<ReturnType<typeof startWebhooks>>,
  fits: (url: string | null) => boolean,
) {
  for (;;) {
    if (fits(webhooks.views(["w_1"])[0]?.url ?? null)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("webhooks that are followed", () => {
  it("begin with what happens after they were heard of, and go on where they were after that", async () => {
    await using rig = await scene();
    {
      await using before = await rig.start();
      rig.connection.receive("t/1", "before");
      await rig.put();
      await until(before, (url) => url !== null);
      rig.connection.receive("t/1", "1");
      verify(secretOf(1), await rig.endpoint.nth(1));
      rig.endpoint.answer = () => {};
      rig.connection.receive("t/1", "2");
      await rig.endpoint.nth(2);
    }
    rig.endpoint.answer = status(204);
    rig.connection.receive("t/1", "3");
    await using _ = await rig.start();
    await rig.endpoint.nth(4);
    assert.deepEqual(payloads(rig.endpoint), ["1", "2", "2", "3"]);
  });

  it("begin when it can be kept where they do, and not before", async () => {
    await using rig = await scene();
    await using followed = await rig.start();
    rig.connection.receive("t/1", "before");
    rig.store.failure = away;
    await rig.put();
    while (!followed.logs.some((line) => line.includes("cannot be kept yet")))
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(followed.webhooks.views(["w_1"]), []);
    rig.connection.receive("t/1", "1");
    rig.store.failure = null;
    await until(followed, (url) => url !== null);
    rig.connection.receive("t/1", "2");
    await rig.endpoint.nth(1);
    assert.deepEqual(payloads(rig.endpoint), ["2"]);
  });

  it("keep their places where a node takes the cell whose copy has not heard of them yet", async () => {
    await using rig = await scene();
    {
      await using before = await rig.start();
      rig.endpoint.answer = () => {};
      await rig.put();
      await until(before, (url) => url !== null);
      rig.connection.receive("t/1", "1");
      await rig.endpoint.nth(1);
    }
    rig.endpoint.answer = status(204);
    // The copy of that node is empty, and reaches nobody at first.
    const other = new FollowedStore("home");
    other.isLive = false;
    other.isCut = true;
    await other.commit(await other.acquire(), [putWebhook(rig.webhook)]);
    const definitions = new Definitions(other.follow(), "");
    const role: TenantRole = { kind: "followed", definitions, tellGone: async () => true };
    await using after = await startWebhooks({ store: rig.store, connections: rig.connections, role });
    rig.connection.receive("t/1", "2");
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(after.webhooks.views(["w_1"]), []);
    other.isCut = false;
    other.tell();
    await rig.endpoint.nth(3);
    assert.deepEqual(payloads(rig.endpoint), ["1", "1", "2"]);
  });

  it("do not take an older form for a change: what it did not have yet begins where it began", async () => {
    await using rig = await scene();
    const events = ["connected"] as const;
    {
      await using before = await rig.start();
      await rig.put();
      await until(before, (url) => url !== null);
      rig.endpoint.answer = () => {};
      await rig.put({ events, url: `${rig.endpoint.url}2` });
      await until(before, (url) => url?.endsWith("2") === true);
      rig.connection.happen("connected");
      await rig.endpoint.nth(1);
    }
    rig.endpoint.answer = status(204);
    const other = new FollowedStore("home");
    const lease = await other.acquire();
    await other.commit(lease, [putWebhook(rig.webhook)]);
    other.isLive = false;
    await other.commit(lease, [putWebhook({ ...rig.webhook, events, url: `${rig.endpoint.url}2` })]);
    const definitions = new Definitions(other.follow(), "");
    const role: TenantRole = { kind: "followed", definitions, tellGone: async () => true };
    await using _ = await startWebhooks({ store: rig.store, connections: rig.connections, role });
    const again = await rig.endpoint.nth(2);
    assert.deepEqual([again.path, again.body.type], ["/hook2", "connack.event.connected"]);
  });

  it("leave nothing behind when they are deleted, here or while nobody had the cell", async () => {
    await using rig = await scene();
    rig.endpoint.answer = status(500);
    for (const isAway of [false, true]) {
      {
        await using followed = await rig.start();
        await rig.put();
        await until(followed, (url) => url !== null);
        rig.connection.receive("t/1", "1");
        await rig.endpoint.nth(1);
        if (!isAway) {
          await rig.remove();
          await until(followed, (url) => url === null);
        }
      }
      if (isAway) await rig.remove();
      await using _ = await rig.start();
      for (const space of ["webhook-known", "webhook-cursors", "webhook-dead/w_1", "webhook-dropped"])
        while (Object.keys(await rig.store.all(space)).length > 0)
          await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it("send nothing to where it was when a change cannot be kept, and nothing at all when they are deleted", async () => {
    await using rig = await scene();
    await using other = await startEndpoint();
    await using followed = await rig.start();
    await rig.put();
    await until(followed, (url) => url !== null);
    rig.store.failure = away;
    await rig.put({ url: other.url, events: ["*"] });
    while (!followed.logs.some((line) => line.includes("cannot be kept yet")))
      await new Promise((resolve) => setImmediate(resolve));
    rig.connection.receive("t/1", "1");
    rig.store.failure = null;
    assert.equal((await other.nth(1)).body.data.payload, "1");
    rig.store.failure = away;
    await rig.remove();
    rig.connection.receive("t/1", "2");
    rig.store.failure = null;
    await until(followed, (url) => url === null);
    assert.deepEqual([payloads(rig.endpoint), payloads(other)], [[], ["1"]]);
  });

  it("send nothing when they are deleted while others wait for the store", async () => {
    await using rig = await scene();
    await using followed = await rig.start();
    await rig.put();
    await until(followed, (url) => url !== null);
    const gate = Promise.withResolvers<void>();
    rig.store.gate = gate.promise;
    await rig.put({ id: "w_2" });
    await rig.remove();
    rig.connection.receive("t/1", "1");
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    await until(followed, (url) => url === null);
    assert.deepEqual(payloads(rig.endpoint), []);
  });

  it("are disabled when their endpoint is gone, and tell who keeps them until that hears", async () => {
    await using rig = await scene();
    await using followed = await rig.start();
    rig.endpoint.answer = status(410);
    await rig.put();
    await until(followed, (url) => url !== null);
    rig.connection.receive("t/1", "1");
    while (rig.gone.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(followed.webhooks.views(["w_1"])[0]?.disabled?.reason, "gone");
    rig.connection.receive("t/1", "2");
    rig.endpoint.answer = status(204);
    // As it was: that is the wish that it goes on.
    await rig.put();
    await rig.endpoint.nth(3);
    assert.deepEqual([payloads(rig.endpoint), rig.gone], [["1", "1", "2"], ["w_1"]]);
  });
});
