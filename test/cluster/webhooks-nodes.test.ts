import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { after, before, describe, it } from "../support/test.ts";
import { quick, startEndpoint, status, verify, type WebhookEndpoint } from "../support/webhook-endpoint.ts";

const shards = 4;
const events = ["connected", "moved"];

describe("webhooks of several nodes", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  async function cluster(giveUpAfterMs = quick.giveUpAfterMs) {
    count += 1;
    const start = (node: string) =>
      startApp(
        {
          CONNACK_STORE: nats.url,
          CONNACK_SECRET_KEY: "00".repeat(32),
          CONNACK_CLUSTER_NAME: `nodes${count}`,
          CONNACK_CLUSTER_NODE: node,
          CONNACK_CLUSTER_SHARDS: String(shards),
          CONNACK_CLUSTER_REPLICAS: "1",
          CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
        },
        { webhookSchedule: { ...quick, giveUpAfterMs } },
      );
    await using opened = new AsyncDisposableStack();
    const nodes = await Promise.all(["one", "two"].map(start));
    for (const node of nodes) opened.use(node);
    // Each has its part, so that nothing moves any more.
    const owned = async (node: TestApp) =>
      (await node.call("GET", "/readyz")).body.cluster?.shards.owned.length ?? 0;
    for (const node of nodes) while ((await owned(node)) !== shards / 2);
    const scope = opened.move();
    return { nodes: nodes as [TestApp, TestApp], [Symbol.asyncDispose]: () => scope.disposeAsync() };
  }

  const names = Array.from({ length: 8 }, (_, n) => `c${n}`);

  /** Has each connect until an attempt of it was made, which shows that its cell has heard of the webhook. */
  async function untilHeard(node: TestApp, endpoint: WebhookEndpoint): Promise<void> {
    for (const id of names) {
      while (!endpoint.received.some(({ body }) => body.data.connection === id))
        assert.equal((await node.call("POST", `/connections/${id}/reconnect?wait=10`)).status, 200);
    }
  }

  /** The ids of events from the first of each connection on that was delivered: all that is to be. */
  async function expectedOf(node: TestApp, endpoint: WebhookEndpoint): Promise<readonly string[]> {
    const expected: string[] = [];
    for (const id of names) {
      const path = `/connections/${id}/events?limit=1000`;
      const { body } = await node.call("GET", path, undefined, { accept: "application/json" });
      const wanted = body.items
        .filter(({ type }: { type: string }) => type === "connected" || type === "moved")
        .map((each: { id: string }) => each.id);
      const first = endpoint.received.find((each) => each.body.data.connection === id);
      const from = wanted.indexOf(first?.body.data.id);
      assert.ok(from >= 0, "the first attempt is not of an event");
      expected.push(...wanted.slice(from));
    }
    return expected;
  }

  it("deliver from every node, and every node shows, lists and replays what any of them has", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using endpoint = await startEndpoint(status(500));
    await using all = await cluster(0);
    const [one, two] = all.nodes;
    const made = await one.call("POST", "/webhooks", { url: endpoint.url, events });
    assert.equal(made.status, 201, made.text);
    const path = `/webhooks/${made.body.id}`;
    for (const id of names)
      assert.equal((await two.open({ id, url: broker.url, durable: true }, "?wait=10")).status, 201);
    await untilHeard(one, endpoint);
    const dead = (await expectedOf(two, endpoint)).length;
    let view;
    do view = (await two.call("GET", path)).body;
    while (view.counters.dead < dead);
    for (const each of endpoint.received) verify(made.body.secret, each);
    for (const node of all.nodes) {
      assert.deepEqual((await node.call("GET", "/webhooks")).body.items, [view]);
      const listed = await node.call("GET", `${path}/deliveries?state=dead&limit=1000`);
      assert.equal(listed.body.items.length, dead);
    }
    endpoint.answer = status(204);
    assert.deepEqual((await one.call("POST", `${path}/replay`)).body, { replaying: dead });
    while ((await two.call("GET", path)).body.counters.dead > 0);
    assert.equal((await one.call("DELETE", path)).status, 204);
    for (const node of all.nodes) assert.equal((await node.call("GET", path)).status, 404);
  });

  it("go on at another node when one is stopped: nothing is skipped", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using endpoint = await startEndpoint(status(503));
    await using all = await cluster();
    const [one, two] = all.nodes;
    for (const id of names)
      assert.equal((await two.open({ id, url: broker.url, durable: true }, "?wait=10")).status, 201);
    const made = await one.call("POST", "/webhooks", { url: endpoint.url, events });
    await untilHeard(one, endpoint);
    await one.stop();
    endpoint.answer = status(204);
    while ((await two.call("GET", "/readyz")).body.cluster.shards.owned.length < shards);
    for (const id of names)
      assert.equal((await two.call("POST", `/connections/${id}/reconnect?wait=10`)).status, 200);
    const expected = await expectedOf(two, endpoint);
    assert.ok(expected.length >= 2 * names.length);
    for (const event of expected)
      while (!endpoint.received.some(({ body }) => body.data.id === event))
        await endpoint.nth(endpoint.received.length + 1);
    for (const each of endpoint.received) verify(made.body.secret, each);
    assert.equal((await two.call("GET", `/webhooks/${made.body.id}`)).body.state, "active");
  });
});
