import assert from "node:assert/strict";
import { MemoryStore } from "../../src/store/memory.ts";
import { ScopedStore, tenantsIn } from "../../src/store/scoped-store.ts";
import type { Change } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

const all: readonly Change[] = [
  { type: "put", space: "s", key: "k", value: "v" },
  { type: "append", logs: ["l", "m"], data: "d" },
];

/** What is there, as one who has no other way to the store sees it. */
async function seen(store: ScopedStore) {
  const [spaces, logs, record] = await Promise.all([store.spaces(""), store.logs(""), store.get("s", "k")]);
  return { spaces, logs: logs.map(({ name }) => name), record };
}

const everything = { spaces: ["s"], logs: ["l", "m"], record: "v" };
const nothing = { spaces: [], logs: [], record: null };

describe("ScopedStore", () => {
  for (const tenant of [null, "a", "a.b", "t"]) {
    it(`what ${tenant ?? "nobody in particular"} keeps, another tenant sees and reaches nothing of`, async () => {
      await using store = new MemoryStore("e");
      const lease = await store.acquire();
      const own = new ScopedStore(store, tenant);
      const others = [null, "a", "a.b", "t", "b", ".", "..", "A"]
        .filter((name) => name !== tenant)
        .map((name) => new ScopedStore(store, name));
      await own.commit(lease, all);
      assert.deepEqual(await seen(own), everything);
      for (const other of others) {
        assert.deepEqual(await seen(other), nothing);
        assert.deepEqual(await other.records("s", null, 10), []);
        assert.deepEqual(await other.entries("l", 0, 10), []);
        await other.commit(lease, [
          { type: "delete", space: "s", key: "k" },
          { type: "clear", space: "s" },
          { type: "drop", log: "l" },
          { type: "trim", log: "m", through: 1_000 },
        ]);
      }
      assert.deepEqual(await seen(own), everything);
      assert.equal((await own.entries("m", 0, 10)).length, 1);
    });
  }

  it("tenantsIn() names those that have records, logs or both, each once", async () => {
    await using store = new MemoryStore("e");
    const lease = await store.acquire();
    await new ScopedStore(store, null).commit(lease, all);
    assert.deepEqual(await tenantsIn(store), []);
    await new ScopedStore(store, "b").commit(lease, all);
    await new ScopedStore(store, "a").commit(lease, [{ type: "append", logs: ["l"], data: "d" }]);
    assert.deepEqual([...(await tenantsIn(store))].toSorted(), ["a", "b"]);
  });
});
