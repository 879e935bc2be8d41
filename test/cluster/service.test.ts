import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { startMosquitto, type Mosquitto } from "../support/mosquitto.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { after, before, describe, it } from "../support/test.ts";

const shards = 4;

describe("the service of several nodes", () => {
  let nats: Nats;
  let broker: Mosquitto;
  let count = 0;
  before(async () => {
    [nats, broker] = await Promise.all([startNats(), startMosquitto()]);
  });
  after(async () => {
    await broker[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  /** Nodes of a cluster of their own, each of which has a shard at least. */
  async function cluster(names: readonly string[], environment: Record<string, string> = {}) {
    count += 1;
    const name = `service${count}`;
    await using opened = new AsyncDisposableStack();
    const start = (node: string) =>
      startApp({
        CONNACK_STORE: nats.url,
        CONNACK_SECRET_KEY: "00".repeat(32),
        CONNACK_CLUSTER_NAME: name,
        CONNACK_CLUSTER_NODE: node,
        CONNACK_CLUSTER_SHARDS: String(shards),
        CONNACK_CLUSTER_REPLICAS: "1",
        CONNACK_CLUSTER_ALLOW: "few-replicas,unchecked-servers",
        ...environment,
      });
    const nodes = await Promise.all(names.map(start));
    for (const node of nodes) opened.use(node);
    for (const node of nodes)
      await untilSettled(node, shards / nodes.length, environment["CONNACK_ADMIN_TOKEN"]);
    const scope = opened.move();
    return { nodes, start, [Symbol.asyncDispose]: () => scope.disposeAsync() };
  }

  const durable = (id: string) => ({
    ...{ id, url: broker.url, durable: true, log: { durable: true }, cleanStart: false },
    properties: { sessionExpiryInterval: 3_600 },
    subscriptions: [{ topicFilter: `${id}/#`, qos: 1 }],
  });

  it("answers for every connection at every node", async () => {
    await using all = await cluster(["one", "two"]);
    const [one, two] = all.nodes as [TestApp, TestApp];
    for (let n = 0; n < 8; n += 1) {
      const opened = await (n % 2 === 0 ? one : two).open(durable(`c${n}`));
      assert.equal(opened.status, 201, opened.text);
    }
    for (const node of all.nodes) {
      const { body: list } = await node.call("GET", "/connections");
      assert.deepEqual(
        list.items.map(({ id }: { id: string }) => id).toSorted(),
        Array.from({ length: 8 }, (_, n) => `c${n}`),
      );
      for (let n = 0; n < 8; n += 1) {
        assert.equal((await node.call("GET", `/connections/c${n}`)).body.flags.connected, true);
        const sent = await node.call(
          "POST",
          `/connections/c${n}/publish?topic=c${n}/x&qos=1`,
          `"${node.url}"`,
        );
        assert.equal(sent.status, 200, sent.text);
      }
    }
    for (let n = 0; n < 8; n += 1) {
      const path = `/connections/c${n}/messages`;
      // What the broker has acknowledged it has still to bring.
      while ((await one.call("GET", path)).body.items.length < 2);
      assert.deepEqual((await two.call("GET", path)).body, (await one.call("GET", path)).body);
    }
  });

  it("takes at every node a token that was made at any, until it is revoked", async () => {
    const admin = { authorization: `Bearer ${"a".repeat(40)}` };
    await using all = await cluster(["one", "two"], { CONNACK_ADMIN_TOKEN: "a".repeat(40) });
    const scopes = ["connections:read", "connections:write"];
    const [one, two] = all.nodes as [TestApp, TestApp];
    const made = await one.call("POST", "/tokens", { name: "x", scopes }, admin);
    assert.equal(made.status, 201, made.text);
    const headers = { authorization: `Bearer ${made.body.token}` };
    for (const node of all.nodes)
      assert.equal((await node.call("GET", "/connections", undefined, headers)).status, 200);
    await two.call("DELETE", `/tokens/${made.body.id}`, undefined, admin);
    for (const node of all.nodes)
      while ((await node.call("GET", "/connections", undefined, headers)).status !== 401);
  });

  it("a node that is stopped hands over what it has, and streams go on at another one", async () => {
    await using all = await cluster(["one", "two"]);
    const [one, two] = all.nodes as [TestApp, TestApp];
    for (let n = 0; n < 8; n += 1) assert.equal((await one.open(durable(`c${n}`))).status, 201);
    await using events = await two.events("/events?types=moved,connected");
    const { body: before } = await one.call("GET", "/readyz");
    const has = before.connections.connected;
    await one.stop();
    // Each of those that it had says that it moved, and then that it is connected.
    const moved = new Map<string, unknown>();
    const connected = new Set<string>();
    while (connected.size < has) {
      const { type, data } = await events.next();
      if (type === "moved") moved.set(data.connection, [data.from, data.to, data.cause]);
      else if (type === "connected" && moved.has(data.connection)) connected.add(data.connection);
    }
    for (const [id, told] of moved) assert.deepEqual(told, ["one", "two", "handover"], id);
    // A shard that has no connections may be the last.
    while ((await two.call("GET", "/readyz")).body.cluster.shards.owned.length < shards);
    assert.ok((await two.call("GET", "/readyz")).body.cluster.moves.handover > 0, "nothing was handed over");
    for (let n = 0; n < 8; n += 1) {
      const sent = await two.call("POST", `/connections/c${n}/publish?topic=c${n}/x&qos=1`, "1");
      assert.equal(sent.status, 200, sent.text);
    }
  });
});

/** Resolves when the node owns its share, and nothing will be taken from it. */
async function untilSettled(node: TestApp, share: number, token = ""): Promise<void> {
  const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
  for (;;) {
    const { body } = await node.call("GET", "/readyz", undefined, headers);
    const { shards: all, nodes } = body.cluster ?? { shards: { owned: [] }, nodes: [] };
    if (all.owned.length === share && nodes.every(({ isSettled }: { isSettled: boolean }) => isSettled))
      return;
  }
}
