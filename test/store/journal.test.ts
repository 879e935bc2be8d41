import assert from "node:assert/strict";
import { Journal } from "../../src/store/journal.ts";
import type { Change } from "../../src/store/store.ts";
import { ControlledStore } from "../support/controlled-store.ts";
import { describe, it } from "../support/test.ts";

const append = (data: string): Change => ({ type: "append", logs: ["l"], data });

async function rig() {
  const store = new ControlledStore("e");
  const lease = await store.acquire();
  const troubles: unknown[] = [];
  const journal = new Journal(store, lease, (error) => troubles.push(error));
  const kept: string[] = [];
  const add = (data: string, needed?: boolean) =>
    journal.add({ changes: [append(data)], kept: ([position]) => kept.push(`${data}@${position}`) }, needed);
  const logged = async () => (await store.entries("l", 0, 100_000)).map(({ data }) => data);
  return { store, lease, journal, troubles, kept, add, logged };
}

describe("Journal", () => {
  it("writes in order, and tells each item the positions of its own", async () => {
    const { journal, kept, add, logged } = await rig();
    add("a");
    journal.add({ changes: [append("b"), append("c")], kept: (all) => kept.push(all.join()) });
    add("d");
    await journal.settled();
    assert.deepEqual(kept, ["a@1", "2,3", "d@4"]);
    assert.deepEqual(await logged(), ["a", "b", "c", "d"]);
    journal.close();
  });

  it("settled() waits for what was added before, and not for what comes after", async () => {
    const { store, journal, kept, add } = await rig();
    const release = store.hold();
    add("a");
    const settled = journal.settled();
    add("b");
    release();
    await settled;
    assert.equal(kept[0], "a@1");
    await journal.settled();
    assert.equal(kept.length, 2);
    journal.close();
  });

  it("does not give up on a store that refuses; settled() does, and trouble is told once", async () => {
    const { store, journal, troubles, kept, add, logged } = await rig();
    store.refusal = "unavailable";
    add("a");
    add("b");
    await journal.settled();
    assert.deepEqual(kept, []);
    store.refusal = null;
    while (kept.length < 2) await new Promise(setImmediate);
    assert.equal(troubles.length, 1);
    assert.deepEqual(await logged(), ["a", "b"]);
    journal.close();
  });

  it("takes no more than may wait, but what is needed", async () => {
    const { store, journal, add, logged, kept } = await rig();
    const release = store.hold();
    let taken = 0;
    while (add(String(taken))) taken += 1;
    assert.ok(taken >= 10_000 && taken < 11_000, String(taken));
    assert.equal(add("needed", true), true);
    release();
    while (kept.length < taken + 1) await new Promise(setImmediate);
    assert.equal((await logged()).at(-1), "needed");
    journal.close();
  });

  it("ends when somebody else has the store", async () => {
    const { store, journal, add, troubles, logged } = await rig();
    await store.acquire();
    add("a");
    await journal.settled();
    assert.equal(troubles.length, 1);
    assert.equal(add("b"), false);
    assert.deepEqual(await logged(), []);
  });
});
