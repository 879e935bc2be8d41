import assert from "node:assert/strict";

import { defaultTimes } from "../../src/cluster/liveness.ts";
import { StoreError } from "../../src/store/store.ts";
import { startNode, type TestNode, type TestTerm } from "../support/cluster-nodes.ts";
import { startNats, type Nats } from "../support/nats.ts";
import { startProxy } from "../support/proxy.ts";
import { after, before, describe, it } from "../support/test.ts";

const shards = 6;
const hasKind = (error: unknown, ...kinds: StoreError["kind"][]) =>
  error instanceof StoreError && kinds.includes(error.kind);
const put = (value: string) => [{ type: "put", space: "s", key: "k", value } as const];

/** Resolves when all shards are owned by these, and each has its share. */
async function balanced(nodes: readonly TestNode[]): Promise<void> {
  const fair = shards / nodes.length;
  const fits = () =>
    new Set(nodes.flatMap((node) => node.owned())).size === shards &&
    nodes.every((node) => {
      const { length } = node.owned();
      return length >= Math.floor(fair) && length <= Math.ceil(fair);
    });
  await Promise.race(nodes.map((node) => node.until(fits)));
}

/** The newest term of a shard anywhere. */
function termOf(nodes: readonly TestNode[], shard: number): TestTerm | undefined {
  return nodes.flatMap(({ terms }) =>
    terms.filter((term) => term.shard === shard && term.closed === null),
  )[0];
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

  /** Nodes of one cluster, each with a network connection of its own. */
  async function cluster(...names: string[]) {
    count += 1;
    const place = `cluster${count}`;
    const start = async (name: string) => startNode(await nats.connect(), { place, name, shards });
    const nodes = await Promise.all(names.map(start));
    return {
      ...{ place, nodes },
      async add(name: string) {
        const node = await start(name);
        nodes.push(node);
        return node;
      },
      async [Symbol.asyncDispose]() {
        for (const { node, connection } of nodes) {
          if (connection.isClosed()) continue;
          await node.stop();
          await connection.close();
        }
      },
    };
  }

  it("shares what there is with those that begin at about the same time", async () => {
    await using all = await cluster("a", "b", "c");
    await balanced(all.nodes);
    for (const { terms } of all.nodes) {
      for (const { claim, store, lease } of terms.filter(({ closed }) => closed === null)) {
        assert.ok(claim.cause === "start" || claim.cause === "handover");
        await store.commit(lease, put("1"));
      }
    }
    for (const { node } of all.nodes)
      assert.deepEqual(
        node
          .members()
          .map(({ name }) => name)
          .toSorted(),
        ["a", "b", "c"],
      );
  });

  it("hands over what it has when it stops, with all that it kept", async () => {
    await using all = await cluster("a", "b");
    await balanced(all.nodes);
    const [a, b] = all.nodes as [TestNode, TestNode];
    for (const { store, lease, shard } of a.terms.filter(({ closed }) => closed === null))
      await store.commit(lease, put(`of ${shard}`));
    const own = a.owned();
    await a.node.stop();
    await a.connection.close();
    await balanced([b]);
    // Which is not waited for: nobody has to find out that it is gone.
    for (const shard of own) {
      const term = termOf([b], shard);
      assert.deepEqual([term?.claim.cause, term?.claim.from], ["handover", "a"]);
      assert.equal(await term?.store.get("s", "k"), `of ${shard}`);
    }
    for (const { closed } of a.terms) assert.equal(closed?.inHurry, false);
  });

  it("gives a node that has come its share, and no more than that changes hands", async () => {
    await using all = await cluster("a", "b");
    await balanced(all.nodes);
    const before = all.nodes.flatMap(({ terms }) => terms).length;
    const c = await all.add("c");
    await balanced(all.nodes);
    for (const { claim } of c.terms) assert.equal(claim.cause, "handover");
    assert.ok(all.nodes.flatMap(({ terms }) => terms).length <= before + 4);
  });

  it("takes over within seconds from a node that has died", async () => {
    await using all = await cluster("a", "b", "c");
    await balanced(all.nodes);
    const [a, ...others] = all.nodes as [TestNode, TestNode, TestNode];
    const own = a.owned();
    const began = performance.now();
    // As the kernel does for a process that is gone.
    await a.connection.close();
    await balanced(others);
    const took = performance.now() - began;
    // Long before it would be sure by time alone; by how much depends on how busy this machine is.
    assert.ok(took < defaultTimes.claimMs, `${took} ms`);
    for (const shard of own) {
      const term = termOf(others, shard);
      assert.deepEqual([term?.claim.cause, term?.claim.from], ["node-lost", "a"]);
    }
    a.node.stop().catch(() => {});
  });

  it("does not take from a node that is alive and has nothing to write", async () => {
    await using all = await cluster("a", "b");
    await balanced(all.nodes);
    const terms = () => all.nodes.flatMap(({ terms: own }) => own).length;
    const before = terms();
    // Nothing is waited for: it is that nothing happens for longer than what makes a node suspect.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    assert.equal(terms(), before);
    await balanced(all.nodes);
  });

  it("finds out that another has taken what it has, when it has not written anything", async () => {
    count += 1;
    const place = `cluster${count}`;
    await using proxy = await startProxy(nats.servers[0]?.port ?? 0);
    const through = await nats.connect({ servers: [`127.0.0.1:${proxy.port}`] });
    const away = await startNode(through, { place, name: "away", shards });
    const other = await startNode(await nats.connect(), { place, name: "other", shards });
    await balanced([away, other]);
    const had = away.terms.filter(({ closed }) => closed === null);
    // For the servers it has gone, which the others are told; it cannot know.
    proxy.freeze();
    proxy.cut();
    await balanced([other]);
    assert.ok(had.every(({ closed }) => closed === null));
    proxy.thaw();
    await away.until(({ length }) => length === 0);
    assert.ok(had.every(({ closed }) => closed?.inHurry === true));
    await balanced([away, other]);
    for (const { node, connection } of [away, other]) {
      await node.stop();
      await connection.close();
    }
  });

  it("lets go of everything when it is cut off, before others take it, and can write nothing after", async () => {
    count += 1;
    const place = `cluster${count}`;
    // A busy machine is late by seconds.
    const times = { selfMs: 5_000, claimMs: 9_000 };
    await using proxy = await startProxy(nats.servers[0]?.port ?? 0);
    const through = await nats.connect({ servers: [`127.0.0.1:${proxy.port}`] });
    const cut = await startNode(through, { place, name: "cut", shards, times });
    const other = await startNode(await nats.connect(), { place, name: "other", shards, times });
    await balanced([cut, other]);
    const term = cut.terms.find(({ closed }) => closed === null);
    assert.ok(term);
    proxy.freeze();
    const zombie = term.store.commit(term.lease, put("zombie"));
    zombie.catch(() => {});
    await cut.until(({ length }) => length === 0);
    assert.deepEqual(
      other.owned().filter((shard) => shard === term.shard),
      [],
    );
    await balanced([other]);
    const next = termOf([other], term.shard);
    assert.ok(next !== undefined && next.claim.cause === "node-lost");
    assert.equal(term.closed?.inHurry, true);
    await next.store.commit(next.lease, put("1"));
    proxy.thaw();
    await assert.rejects(zombie, (error) => hasKind(error, "unknown", "fenced"));
    assert.equal(await next.store.get("s", "k"), "1");
    await balanced([cut, other]);
    for (const { node, connection } of [cut, other]) {
      await node.stop();
      await connection.close();
    }
  });
});
