import assert from "node:assert/strict";
import type { StoreFailure } from "../src/store/store.ts";
import { answer, begin, day, isSettled, kinds, machine, space } from "./support/idempotency-machine.ts";
import { describe, it } from "./support/test.ts";

describe("IdempotencyKeys with a journal", () => {
  it("gives the first answer again after a restart, and tells of another request", async () => {
    const { start } = machine();
    await begin(await start(), "k").finish(answer);
    const keys = await start();
    assert.deepEqual(keys.claim("k", "same"), { kind: "replay", answer });
    assert.equal(keys.claim("k", "other").kind, "mismatch");
    assert.deepEqual((await start()).claim("k", "same"), { kind: "replay", answer });
  });

  it("takes every key that callers can give", async () => {
    const { start } = machine();
    const names = ["!", "~".repeat(255), "a/b%'\"\\", "__proto__"];
    const before = await start();
    for (const name of names) await begin(before, name).finish(answer);
    const after = await start();
    for (const name of names) assert.deepEqual(after.claim(name, "same"), { kind: "replay", answer }, name);
  });

  it("lets nobody be answered before the answer is kept", async () => {
    const { store, start } = machine();
    const keys = await start();
    const release = store.hold();
    const finished = begin(keys, "k").finish(answer);
    assert.equal(await isSettled(finished), false);
    assert.deepEqual(await store.keys(space), []);
    assert.equal(kinds(keys, "k"), "running");
    release();
    await finished;
    assert.deepEqual(await store.keys(space), ["k"]);
    assert.equal(kinds(keys, "k"), "replay");
  });

  it("leaves free after a restart what was running, and what left nothing to replay", async () => {
    const { store, start } = machine();
    const before = await start();
    begin(before, "running");
    await begin(before, "refused").finish(null);
    assert.deepEqual(await store.keys(space), []);
    const after = await start();
    begin(after, "running", "another");
    begin(after, "refused", "another");
  });

  const refusals: readonly (StoreFailure | "defect")[] = [
    "fenced",
    "conflict",
    "full",
    "unavailable",
    "unknown",
    "defect",
  ];
  for (const refusal of refusals) {
    it(`answers all the same when the store refuses (${refusal}), and says so once until it is over`, async () => {
      const { store, logs, start } = machine();
      const keys = await start();
      store.refusal = refusal;
      for (const name of ["a", "b", "c"]) await begin(keys, name).finish(answer);
      assert.equal(kinds(keys, "a", "b", "c"), "replay replay replay");
      assert.deepEqual(
        logs.map(({ level }) => level),
        ["warn"],
      );
      assert.match(
        String(logs[0]?.["reason"]),
        refusal === "defect" ? /a defect/ : new RegExp(`^${refusal}$`),
      );
      store.refusal = null;
      await begin(keys, "d").finish(answer);
      assert.deepEqual([logs.length, logs[1]?.level, logs[1]?.["notKept"]], [2, "info", 3]);
      assert.equal(kinds(await start(), "a", "b", "c", "d"), "new new new replay");
    });
  }

  it("is restored in the order of its age: what there is no room for is the oldest, and is deleted", async () => {
    const { store, start, advance } = machine();
    const before = await start();
    for (const name of ["z", "m", "a", "k"]) {
      advance(1);
      await begin(before, name).finish(answer);
    }
    const fewer = await start(2);
    assert.deepEqual(await store.keys(space), ["a", "k"]);
    assert.equal(kinds(fewer, "a", "k"), "replay replay");
    begin(fewer, "new");
    assert.equal(kinds(fewer, "k"), "replay");
    const smaller = await start(10, answer.body.byteLength);
    assert.equal(kinds(smaller, "k"), "replay");
    assert.deepEqual(await store.keys(space), ["k"]);
  });

  it("reads more than a page of the store", async () => {
    const { start } = machine();
    const before = await start(1_000, 1_000_000);
    const names = Array.from({ length: 250 }, (_, index) => `k${index}`);
    for (const name of names) await begin(before, name).finish(answer);
    const after = await start(1_000, 1_000_000);
    for (const name of names) assert.equal(after.claim(name, "same").kind, "replay", name);
  });

  it("deletes what is forgotten along with what is written next", async () => {
    const { store, start, advance } = machine();
    const keys = await start(2);
    for (const name of ["a", "b"]) await begin(keys, name).finish(answer);
    advance(day + 1);
    const before = store.commits.length;
    const claim = begin(keys, "c");
    assert.equal(store.commits.length, before);
    await claim.finish(answer);
    assert.equal(store.commits.length, before + 1);
    assert.deepEqual(await store.keys(space), ["c"]);
  });

  it("deletes at the end what nothing was written after", async () => {
    const { store, start, advance } = machine();
    const keys = await start();
    await begin(keys, "a").finish(answer);
    advance(day + 1);
    await keys.flush();
    assert.deepEqual(await store.keys(space), []);
  });

  it("deletes what was forgotten while it was being kept", async () => {
    const { store, start } = machine();
    const keys = await start(1);
    const release = store.hold();
    const finished = begin(keys, "a").finish(answer);
    const next = begin(keys, "b").finish(answer);
    release();
    await Promise.all([finished, next]);
    assert.deepEqual(await store.keys(space), ["b"]);
  });

  it("does not keep an answer that is larger than all that may be held", async () => {
    const { store, start } = machine();
    const keys = await start(10, 3);
    await begin(keys, "k").finish(answer);
    assert.deepEqual(await store.keys(space), []);
    begin(keys, "k");
  });

  it("deletes later what could not be deleted, but not what has come again", async () => {
    const { store, start } = machine();
    const keys = await start(2);
    for (const name of ["a", "b"]) await begin(keys, name).finish(answer);
    const [c, d] = [begin(keys, "c"), begin(keys, "d")];
    const release = store.hold();
    store.refusal = "unavailable";
    // Takes the deletions of a and b with it, and fails after a has come again.
    const failing = c.finish(answer);
    store.refusal = null;
    const again = begin(keys, "a", "another").finish(answer);
    release();
    await Promise.all([failing, again]);
    await d.finish(answer);
    assert.deepEqual(await store.keys(space), ["a", "d"]);
    assert.equal((await start()).claim("a", "another").kind, "replay");
  });

  it("deletes a thousand at a time, and none of them that has come again", async () => {
    const { store, start, advance } = machine();
    const keys = await start(2_000, 100_000);
    const names = Array.from({ length: 1_500 }, (_, index) => `k${index}`);
    for (const name of names) await begin(keys, name).finish(answer);
    advance(day + 1);
    await begin(keys, "k1499").finish(answer);
    assert.equal((await store.keys(space)).length, 500);
    await begin(keys, "other").finish(answer);
    assert.deepEqual(await store.keys(space), ["k1499", "other"]);
  });

  it("deletes what has expired even from a store that is full", async () => {
    const { store, start, advance } = machine();
    const keys = await start();
    for (const name of ["a", "b"]) await begin(keys, name).finish(answer);
    advance(day + 1);
    store.refusal = "full";
    await begin(keys, "c").finish(answer);
    assert.deepEqual(await store.keys(space), []);
  });

  it("deletes what cannot be read, and says how many", async () => {
    const { store, logs, start } = machine();
    await begin(await start(), "good").finish(answer);
    const lease = await store.acquire();
    const call = '{"fingerprint":"f","status":200,"headers":[],"body":""}';
    const values = [
      ...["", "{", "null", "{}", '{"claimedAt":0}', '{"claimedAt":0,"plain":{}}', `{"plain":${call}}`, call],
      ...[
        '{"claimedAt":0,"sealed":7}',
        '{"claimedAt":0,"sealed":"plain:{}"}',
        '{"claimedAt":0,"sealed":"plain:"}',
      ],
    ];
    await store.commit(
      lease,
      values.map((value, index) => ({ type: "put", space, key: `bad${index}`, value })),
    );
    const keys = await start();
    assert.equal(kinds(keys, "good"), "replay");
    assert.deepEqual(await store.keys(space), ["good"]);
    assert.deepEqual([logs.length, logs[0]?.level, logs[0]?.["unreadable"]], [1, "warn", values.length]);
  });

  it("does not start on what it cannot read, but does where it cannot write", async () => {
    const { store, logs, start, advance } = machine();
    const before = await start();
    await begin(before, "k").finish(answer);
    store.refusal = "full";
    advance(1);
    assert.equal(kinds(await start(), "k"), "replay");
    assert.deepEqual(
      logs.map(({ level }) => level),
      ["warn"],
    );
    store.get = () => Promise.reject(new Error("unreadable"));
    await assert.rejects(start(), /unreadable/);
  });
});
