import assert from "node:assert/strict";
import { IdempotencyJournal } from "../src/idempotency-journal.ts";
import { IdempotencyKeys, type Claim } from "../src/idempotency.ts";
import { createLogger } from "../src/log.ts";
import type { StoreFailure } from "../src/store/store.ts";
import { ControlledStore } from "./support/controlled-store.ts";
import { describe, it } from "./support/test.ts";

const answer = {
  status: 201,
  headers: [
    ["location", "/connections/a"],
    ["etag", '"1"'],
  ],
  body: new Uint8Array([0, 255, 123, 10]),
} as const;
const hour = 3_600_000;
const day = 24 * hour;
const space = "idempotency";

/** A machine on which processes come and go; only the store and the clocks outlive them. */
function machine() {
  const store = new ControlledStore("e");
  const now = { wall: 1_000 * day, monotonic: 0 };
  const clock = { wall: () => now.wall, monotonic: () => now.monotonic };
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const write = (line: string) => logs.push(JSON.parse(line));
  const logger = createLogger({ level: "debug", format: "json", write, now: () => 0 });
  const start = async (maxKeys = 10, maxBytes = 1_000) => {
    now.monotonic = 7;
    const journal = new IdempotencyJournal({ store, lease: await store.acquire() }, clock, logger);
    const keys = new IdempotencyKeys(maxKeys, clock.monotonic, maxBytes, journal);
    await keys.restore();
    return keys;
  };
  const advance = (ms: number) => {
    now.wall += ms;
    now.monotonic += ms;
  };
  return { store, now, logs, start, advance };
}

function begin(keys: IdempotencyKeys, key: string, fingerprint = "same") {
  const claim = keys.claim(key, fingerprint);
  assert.equal(claim.kind, "new", key);
  return claim as Extract<Claim, { kind: "new" }>;
}

const kinds = (keys: IdempotencyKeys, ...names: string[]) =>
  names.map((name) => keys.claim(name, "same").kind).join(" ");

/** Whether it has resolved by now, all that can go on having gone on. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return settled;
}

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
    const values = ["", "{", "null", "{}", '{"fingerprint":"f","claimedAt":0,"status":200,"headers":[]}'];
    await store.commit(
      lease,
      values.map((value, index) => ({ type: "put", space, key: `bad${index}`, value })),
    );
    const keys = await start();
    assert.equal(kinds(keys, "good"), "replay");
    assert.deepEqual(await store.keys(space), ["good"]);
    assert.deepEqual([logs.length, logs[0]?.level, logs[0]?.["count"]], [1, "warn", values.length]);
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

describe("IdempotencyKeys across restarts (S67)", () => {
  it("keeps for a day, and not longer, processes coming and going", async () => {
    const { store, start, advance } = machine();
    await begin(await start(), "k").finish(answer);
    for (let hours = 0; hours < 24; hours += 2) {
      const keys = await start();
      advance(hour);
      assert.equal(kinds(keys, "k"), "replay", `after ${hours} h`);
      advance(hour);
    }
    advance(1);
    const keys = await start();
    assert.deepEqual(await store.keys(space), []);
    begin(keys, "k");
  });

  it("expires while it runs at the age that it had before", async () => {
    const { start, advance } = machine();
    await begin(await start(), "k").finish(answer);
    advance(10 * hour);
    const keys = await start();
    advance(14 * hour);
    assert.equal(kinds(keys, "k"), "replay");
    advance(1);
    begin(keys, "k");
  });

  it("counts from the claim, however long the call took", async () => {
    const { start, advance } = machine();
    const claim = begin(await start(), "k");
    advance(14 * hour);
    await claim.finish(answer);
    advance(10 * hour);
    assert.equal(kinds(await start(), "k"), "replay");
    advance(1);
    begin(await start(), "k");
  });

  it("does not expire all at once when the clock was set a day ahead, running or not", async () => {
    const { now, start, advance } = machine();
    const before = await start();
    await begin(before, "a").finish(answer);
    now.wall += day;
    assert.equal(kinds(before, "a"), "replay");
    await begin(before, "b").finish(answer);
    // What is known of the time by then: that the clock was set.
    const after = await start();
    assert.equal(kinds(after, "a", "b"), "replay replay");
    advance(day - hour);
    assert.equal(kinds(after, "a", "b"), "replay replay");
    advance(hour + 1);
    begin(after, "a");
    await begin(after, "c").finish(answer);
    // And what is not: whether the clock was set, or nobody was there.
    now.wall += day + hour;
    assert.equal(kinds(await start(), "c"), "replay");
  });

  it("does not keep for ever when the clock was set back", async () => {
    const { store, now, start, advance } = machine();
    const before = await start();
    await begin(before, "k").finish(answer);
    now.wall -= 365 * day;
    assert.equal(kinds(before, "k"), "replay");
    assert.equal(kinds(await start(), "k"), "replay");
    for (let hours = 0; hours < 24; hours += 1) {
      advance(hour);
      assert.deepEqual(await store.keys(space), ["k"], `after ${hours} h`);
      await start();
    }
    advance(hour);
    await start();
    assert.deepEqual(await store.keys(space), []);
  });
});
