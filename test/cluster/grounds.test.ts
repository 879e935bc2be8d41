import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { openGrounds } from "../../src/cluster/grounds.ts";
import { patiently } from "../../src/cluster/patience.ts";
import { needs } from "../support/needs.ts";
import { startNats } from "../support/nats.ts";
import { describe, it } from "../support/test.ts";

describe("openGrounds()", () => {
  it(
    "opens the same for nodes that make it at the same moment",
    async () => {
      await using nats = await startNats({ servers: 3 });
      const connections = await Promise.all(["a", "b", "c"].map(() => nats.connect()));
      for (const name of ["first", "second", "third"]) {
        const opening = connections.map((connection, index) => {
          const newEpoch = () => `epoch${index}`;
          const options = { connection, name, replicas: 3, shards: 2, maxBytes: 1e9, newEpoch };
          return patiently(
            () => openGrounds(options),
            () => performance.now(),
          );
        });
        const grounds = await Promise.all(opening);
        const stores = await Promise.all(
          grounds.map((each, shard) => each.openStore(`n${shard}`, 0, 0, () => {})),
        );
        assert.equal(new Set(stores.map(({ epoch }) => epoch)).size, 1);
        for (const store of stores) await store[Symbol.asyncDispose]();
      }
    },
    { skip: needs("nats") },
  );

  it(
    "has as many copies of what nodes say of themselves as of all else, however many it was made with",
    async () => {
      await using nats = await startNats({ servers: 3 });
      const connection = await nats.connect();
      const open = (replicas: number) =>
        patiently(
          () =>
            openGrounds({
              ...{ connection, name: "grown", replicas, shards: 2, maxBytes: 1e9 },
              newEpoch: () => "epoch",
            }),
          () => performance.now(),
        );
      await open(1);
      const { nodes } = await open(3);
      assert.equal((await nodes.status()).replicas, 3);
      // A node that asks for fewer takes nothing away from those that count on more.
      await open(1);
      assert.equal((await nodes.status()).replicas, 3);
      const manager = await jetstreamManager(connection);
      assert.equal((await manager.streams.info("grown")).config.num_replicas, 3);
    },
    { skip: needs("nats") },
  );

  it(
    "gives each shard its part of the room by how many there are, whatever the node's own settings say",
    async () => {
      await using nats = await startNats();
      const connection = await nats.connect();
      const common = { connection, name: "parts", replicas: 1, maxBytes: 40_000, newEpoch: () => "epoch" };
      await openGrounds({ ...common, shards: 4 });
      const grounds = await openGrounds({ ...common, shards: 1 });
      const store = await grounds.openStore("n", 0, 0, () => {});
      const lease = await store.acquire();
      await store.commit(lease, [{ type: "put", space: "s", key: "k", value: "v".repeat(11_000) }]);
      assert.equal(store.health.state, "full");
      await store[Symbol.asyncDispose]();
    },
    { skip: needs("nats") },
  );
});
