import assert from "node:assert/strict";
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
});
