import assert from "node:assert/strict";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Change } from "../../src/store/store.ts";
import { DeadLetters, type DeadLetter } from "../../src/webhooks/dead-letters.ts";
import { describe, it } from "../support/test.ts";

const letter = (id: string, text = "{}"): DeadLetter => ({
  ...{ id, text, type: "connack.message", connection: "home", contentType: "application/json" },
  ...{ attempts: 3, firstAttemptAt: "2026-11-22T09:00:00.000Z", diedAt: "2026-11-23T09:00:00.000Z" },
  lastFailure: { status: 500, code: "refused", detail: "no", at: "2026-11-23T09:00:00.000Z" },
});

async function stand(bounds = { maxLetters: 3, maxBytes: 100 }) {
  const store = new MemoryStore("s");
  const lease = await store.acquire();
  let working = true;
  const commit = (changes: readonly Change[]) =>
    working ? store.commit(lease, changes) : Promise.reject(new Error("full"));
  const make = () => new DeadLetters("w", store, commit, bounds);
  return { store, make, letters: make(), fail: () => (working = false) };
}

const idsOf = async (letters: DeadLetters) => (await letters.page(null, 100)).items.map(({ id }) => id);

describe("DeadLetters", () => {
  it("keeps them in order, with other changes in the same commit", async () => {
    const { store, letters } = await stand();
    const other: Change = { type: "put", space: "x", key: "y", value: "z" };
    await letters.bury(letter("a"), 1, [other]);
    await letters.bury(letter("b"), 2, []);
    assert.deepEqual(await idsOf(letters), ["a", "b"]);
    assert.equal(await store.get("x", "y"), "z");
    assert.deepEqual(await letters.find("b"), letter("b"));
    assert.equal(await letters.find("c"), null);
  });

  it("drops the oldest when there are too many, and counts them", async () => {
    const { letters } = await stand();
    await Promise.all(["a", "b", "c", "d", "e"].map((id, at) => letters.bury(letter(id), at, [])));
    assert.deepEqual(await idsOf(letters), ["c", "d", "e"]);
    assert.deepEqual([letters.size, letters.dropped], [3, 2]);
  });

  it("drops the oldest when they are too large, and does not keep what would be alone", async () => {
    const { letters } = await stand();
    await letters.bury(letter("a", "x".repeat(60)), 1, []);
    await letters.bury(letter("b", "x".repeat(40)), 2, []);
    assert.deepEqual([await idsOf(letters), letters.dropped], [["a", "b"], 0]);
    await letters.bury(letter("c", "x".repeat(30)), 3, []);
    assert.deepEqual([await idsOf(letters), letters.dropped], [["b", "c"], 1]);
    await letters.bury(letter("d", "é".repeat(51)), 4, []);
    assert.deepEqual([await idsOf(letters), letters.dropped], [["b", "c"], 2]);
  });

  it("is as it was after a restart, bounds and counter too", async () => {
    const { make, letters } = await stand();
    for (const [at, id] of ["a", "b", "c", "d"].entries())
      await letters.bury(letter(id, "x".repeat(20)), at, []);
    const again = make();
    await again.restore();
    assert.deepEqual([again.ids, again.dropped], [["b", "c", "d"], 1]);
    await again.bury(letter("e", "x".repeat(60)), 9, []);
    assert.deepEqual([await idsOf(again), again.dropped], [["c", "d", "e"], 2]);
    await again.remove("d");
    assert.deepEqual(
      [again.ids, await idsOf(again)],
      [
        ["c", "e"],
        ["c", "e"],
      ],
    );
  });

  it("pages", async () => {
    const { letters } = await stand();
    for (const [at, id] of ["a", "b", "c"].entries()) await letters.bury(letter(id), at, []);
    const first = await letters.page(null, 2);
    assert.deepEqual(
      first.items.map(({ id }) => id),
      ["a", "b"],
    );
    const second = await letters.page(first.next, 2);
    assert.deepEqual([second.items.map(({ id }) => id), second.next], [["c"], null]);
  });

  it("says so when one cannot be kept, and counts nothing", async () => {
    const { letters, fail } = await stand();
    for (const [at, id] of ["a", "b", "c"].entries()) await letters.bury(letter(id), at, []);
    fail();
    await assert.rejects(letters.bury(letter("d"), 9, []), /full/);
    assert.deepEqual([letters.ids, letters.dropped], [["a", "b", "c"], 0]);
  });
});
