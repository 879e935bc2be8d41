import assert from "node:assert/strict";
import { Budget } from "../src/budget.ts";
import { IdempotencyKeys, type Claim } from "../src/idempotency.ts";
import { describe, it } from "./support/test.ts";

const answer = {
  status: 201,
  headers: [["location", "/connections/a"]],
  body: new Uint8Array([123, 125]),
} as const;
const day = 24 * 3_600_000;

function start(maxKeys = 10, maxBytes = 1_000) {
  let now = 0;
  const keys = new IdempotencyKeys(
    { keys: new Budget("", maxKeys), bytes: new Budget("", maxBytes) },
    () => now,
  );
  const begin = (key: string, fingerprint = "same"): Extract<Claim, { kind: "new" }> => {
    const claim = keys.claim(key, fingerprint);
    assert.equal(claim.kind, "new");
    return claim as Extract<Claim, { kind: "new" }>;
  };
  return { keys, begin, advance: (ms: number) => (now += ms) };
}

describe("IdempotencyKeys", () => {
  it("gives the first answer again", async () => {
    const { keys, begin } = start();
    await begin("k").finish(answer);
    assert.deepEqual(keys.claim("k", "same"), { kind: "replay", answer });
    assert.deepEqual(keys.claim("k", "same"), { kind: "replay", answer });
  });

  it("tells of a call that has not ended, and of a different one", async () => {
    const { keys, begin } = start();
    const { finish } = begin("k");
    assert.equal(keys.claim("k", "same").kind, "running");
    assert.equal(keys.claim("k", "other").kind, "mismatch");
    await finish(answer);
    assert.equal(keys.claim("k", "other").kind, "mismatch");
  });

  it("leaves the key free after a call that has left nothing to replay", async () => {
    const { begin } = start();
    await begin("k", "wrong").finish(null);
    await begin("k", "corrected").finish(answer);
  });

  it("keeps keys apart", async () => {
    const { keys, begin } = start();
    await begin("a").finish(answer);
    begin("b");
    assert.equal(keys.claim("a", "same").kind, "replay");
    assert.equal(keys.claim("b", "same").kind, "running");
  });

  it("forgets after a day, and not before", async () => {
    const { keys, begin, advance } = start();
    await begin("k").finish(answer);
    advance(day);
    assert.equal(keys.claim("k", "same").kind, "replay");
    advance(1);
    begin("k");
  });

  it("holds no more bytes than it may: the oldest goes first, and what has gone counts no more", async () => {
    const { keys, begin, advance } = start(10, 5);
    await begin("a").finish(answer);
    await begin("b").finish(answer);
    await begin("c").finish(answer);
    await begin("a", "other").finish(null);
    assert.equal(keys.claim("b", "same").kind, "replay");
    assert.equal(keys.claim("c", "same").kind, "replay");
    advance(day + 1);
    for (const key of ["d", "e"]) await begin(key).finish(answer);
    for (const key of ["d", "e"]) assert.equal(keys.claim(key, "same").kind, "replay");
  });

  it("holds no more keys than it may: the oldest goes first", async () => {
    const { keys, begin } = start(3);
    for (const key of ["a", "b", "c", "d"]) await begin(key).finish(answer);
    assert.equal(keys.claim("d", "same").kind, "replay");
    begin("a");
  });

  it("forgets nothing over repeated calls, full as it may be", async () => {
    const { keys, begin } = start(3);
    for (const key of ["a", "b", "c"]) await begin(key).finish(answer);
    for (const key of ["c", "b", "a", "a", "b", "c"])
      assert.equal(keys.claim(key, "same").kind, "replay", key);
  });

  it("does not let a late end of a forgotten call free or fill the key of a newer one", async () => {
    const { keys, begin, advance } = start();
    const late = begin("k");
    advance(day + 1);
    const newer = begin("k");
    await late.finish(null);
    assert.equal(keys.claim("k", "same").kind, "running");
    await late.finish(answer);
    assert.equal(keys.claim("k", "same").kind, "running");
    await newer.finish({ ...answer, status: 202 });
    assert.deepEqual(keys.claim("k", "same"), { kind: "replay", answer: { ...answer, status: 202 } });
  });

  it("forgets its own oldest when there is too much in all, and nothing of another's", async () => {
    const all = { keys: new Budget("", 3), bytes: new Budget("", 1_000) };
    const part = () => ({ keys: new Budget("", 3, all.keys), bytes: new Budget("", 1_000, all.bytes) });
    const [mine, theirs] = [part(), part()].map((budgets) => new IdempotencyKeys(budgets, () => 0));
    const keep = async (keys: IdempotencyKeys, key: string) => {
      const claim = keys.claim(key, "same");
      if (claim.kind === "new") await claim.finish(answer);
    };
    for (const key of ["a", "b"]) await keep(theirs!, key);
    for (const key of ["x", "y"]) await keep(mine!, key);
    assert.equal(theirs!.claim("a", "same").kind, "replay");
    assert.equal(theirs!.claim("b", "same").kind, "replay");
    assert.equal(mine!.claim("y", "same").kind, "replay");
    assert.deepEqual([all.keys.used, all.keys.refused], [3, 1]);
    mine!.release();
    theirs!.release();
    assert.deepEqual([all.keys.used, all.bytes.used], [0, 0]);
  });
});
