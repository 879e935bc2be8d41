import assert from "node:assert/strict";
import { StoreError } from "../../src/store/store.ts";
import { startNode, type TestNode } from "../support/cluster-nodes.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { startProxy } from "../support/proxy.ts";
import { after, before, describe, it } from "../support/test.ts";

const hasKind = (kind: StoreError["kind"]) => (error: unknown) =>
  error instanceof StoreError && error.kind === kind;

/** The first of them that owns. */
function firstOwner(nodes: readonly TestNode[]): Promise<TestNode> {
  return Promise.race(nodes.map((node) => node.owns().then(() => node)));
}

describe("ClusterNode", () => {
  let nats: Nats;
  let count = 0;
  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    await nats[Symbol.asyncDispose]();
  });

  /** Three nodes of one cluster, each with a network connection of its own, and which of them owns. */
  async function cluster() {
    count += 1;
    const place = `cluster${count}`;
    const nodes = await Promise.all(
      ["a", "b", "c"].map(async (name) => startNode(await nats.connect(), place, name)),
    );
    const owner = await firstOwner(nodes);
    const others = nodes.filter((node) => node !== owner);
    return {
      ...{ place, nodes, owner, others },
      async [Symbol.asyncDispose]() {
        for (const { node, connection } of nodes) {
          if (connection.isClosed()) continue;
          await node.stop();
          await connection.close();
        }
      },
    };
  }

  it("has one owner, however many start at a time", async () => {
    await using all = await cluster();
    const [term] = all.owner.terms;
    assert.ok(term);
    assert.equal(term.claim.cause, "start");
    await term.store.commit(term.lease, [{ type: "put", space: "s", key: "k", value: "1" }]);
    for (const { node } of all.others) assert.notEqual(node.standing.role, "owner");
  });

  it("hands over at once when the owner stops, with all that it kept", async () => {
    await using all = await cluster();
    const [term] = all.owner.terms;
    assert.ok(term);
    await term.store.commit(term.lease, [{ type: "put", space: "s", key: "k", value: "1" }]);
    const began = performance.now();
    await all.owner.node.stop();
    await all.owner.connection.close();
    const next = await firstOwner(all.others);
    assert.ok(performance.now() - began < 2_000);
    const [own] = next.terms;
    assert.deepEqual([own?.claim.cause, own?.claim.from], ["handover", all.owner.name]);
    assert.equal(await own?.store.get("s", "k"), "1");
    assert.equal(term.closed?.inHurry, false);
  });

  it("takes over within seconds from an owner that has died", async () => {
    await using all = await cluster();
    const began = performance.now();
    // As the kernel does for a process that is gone.
    await all.owner.connection.close();
    const next = await firstOwner(all.others);
    const took = performance.now() - began;
    assert.ok(took < 5_000, `${took} ms`);
    assert.deepEqual([next.terms[0]?.claim.cause, next.terms[0]?.claim.from], ["node-lost", all.owner.name]);
    const [old] = all.owner.terms;
    assert.ok(old);
    all.owner.node.stop().catch(() => {});
  });

  it("does not take over from an owner that is alive and has nothing to write", async () => {
    await using all = await cluster();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, 6_000);
    for (const { node } of all.nodes) node.onStanding(() => resolve());
    await promise;
    clearTimeout(timer);
    assert.equal(all.owner.node.standing.role, "owner");
  });

  it("lets go of everything when it is cut off, before others take it, and can write nothing after", async () => {
    count += 1;
    const place = `cluster${count}`;
    const times = { selfMs: 2_000, claimMs: 4_000 };
    await using proxy = await startProxy(nats.servers[0]?.port ?? 0);
    const cut = await startNode(
      await nats.connect({ servers: [`127.0.0.1:${proxy.port}`] }),
      place,
      "cut",
      times,
    );
    const term = await cut.owns();
    const other = await startNode(await nats.connect(), place, "other", times);
    proxy.freeze();
    const lost = new Promise<void>((resolve) => {
      cut.node.onStanding(() => {
        if (cut.node.standing.role === "leaving") resolve();
      });
    });
    const zombie = term.store.commit(term.lease, [{ type: "put", space: "s", key: "k", value: "zombie" }]);
    zombie.catch(() => {});
    await lost;
    const next = await other.owns();
    assert.equal(next.claim.cause, "node-lost");
    assert.ok(term.closed !== null && term.closed.inHurry);
    await next.store.commit(next.lease, [{ type: "put", space: "s", key: "k", value: "1" }]);
    proxy.thaw();
    await assert.rejects(zombie, (error) => hasKind("unknown")(error) || hasKind("fenced")(error));
    assert.equal(await next.store.get("s", "k"), "1");
    await other.node.stop();
    const again = await cut.owns();
    assert.equal(await again.store.get("s", "k"), "1");
    await cut.node.stop();
    await cut.connection.close();
    await other.connection.close();
  });
});
