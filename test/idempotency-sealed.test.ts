import assert from "node:assert/strict";
import type { IdempotencyKeys } from "../src/idempotency.ts";
import { createSealer, plainSealer, type Sealer } from "../src/sealing.ts";
import { Secret } from "../src/secret.ts";
import { answer, begin, hour, isSettled, kinds, machine, space } from "./support/idempotency-machine.ts";
import { describe, it } from "./support/test.ts";

const beginSealed = (keys: IdempotencyKeys, key: string, fingerprint = "same") =>
  begin(keys, key, fingerprint, "sealed");

const sealerOf = (...bytes: number[]) =>
  createSealer(bytes.map((byte) => new Secret(new Uint8Array(32).fill(byte))));

/** Seals when it is told to. */
function slowSealer(): { sealer: Sealer; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seal: Sealer["seal"] = (plain, context) => promise.then(() => plainSealer.seal(plain, context));
  return { sealer: { ...plainSealer, seal }, release: resolve };
}

describe("IdempotencyKeys with a journal, sealed", () => {
  it("gives the first answer again after a restart, and shows none of it in the store", async () => {
    const { store, startWith } = machine();
    const sealer = await sealerOf(1);
    const secret = { ...answer, body: new TextEncoder().encode("a canary") };
    await beginSealed(await startWith(sealer), "k", "of a canary").finish(secret);
    const keys = await startWith(sealer);
    assert.deepEqual(keys.claim("k", "of a canary"), { kind: "replay", answer: secret });
    assert.equal(keys.claim("k", "other").kind, "mismatch");
    const value = String(await store.get(space, "k"));
    for (const shown of ["canary", "a canary", "/connections/a"]) {
      assert.ok(!value.includes(shown), value);
      assert.ok(!value.includes(Buffer.from(shown).toString("base64").replace(/.=*$/, "")), value);
    }
  });

  it("is opened only under the key that it was sealed for", async () => {
    const { store, startWith } = machine();
    const sealer = await sealerOf(1);
    await beginSealed(await startWith(sealer), "k").finish(answer);
    const value = String(await store.get(space, "k"));
    await store.commit(await store.acquire(), [{ type: "put", space, key: "other", value }]);
    assert.equal(kinds(await startWith(sealer), "k", "other"), "replay new");
  });

  it("without a secret key is in memory alone, and says nothing of it; what is plain is kept", async () => {
    const { store, logs, startWith } = machine();
    const sealer = await sealerOf();
    const before = await startWith(sealer);
    await beginSealed(before, "k").finish(answer);
    await begin(before, "p").finish(answer);
    assert.equal(kinds(before, "k", "p"), "replay replay");
    await before.flush();
    assert.deepEqual(await store.keys(space), ["p"]);
    assert.deepEqual(logs, []);
    assert.equal(kinds(await startWith(sealer), "k", "p"), "new replay");
  });

  it("is sealed anew at the start after which the old secret key can go", async () => {
    const { logs, startWith } = machine();
    const names = Array.from({ length: 250 }, (_, index) => `k${index}`);
    const first = await startWith(await sealerOf(1), 1_000);
    for (const name of names) await beginSealed(first, name).finish(answer);
    for (const bytes of [[2, 1], [2]]) {
      const keys = await startWith(await sealerOf(...bytes), 1_000);
      for (const name of names)
        assert.equal(keys.claim(name, "same").kind, "replay", `${name}, ${bytes.join()}`);
    }
    assert.deepEqual(logs, []);
  });

  it("keeps its age when it is sealed anew", async () => {
    const { startWith, advance } = machine();
    await beginSealed(await startWith(await sealerOf(1)), "k").finish(answer);
    advance(10 * hour);
    await startWith(await sealerOf(2, 1));
    advance(11 * hour);
    const keys = await startWith(await sealerOf(2));
    advance(3 * hour);
    assert.equal(kinds(keys, "k"), "replay");
    advance(1);
    begin(keys, "k");
  });

  for (const [name, bytes] of [
    ["another secret key", [9]],
    ["none", []],
  ] as const) {
    it(`starts with ${name}: what cannot be opened is deleted, with one warning`, async () => {
      const { store, logs, restore, startWith } = machine();
      const before = await startWith(await sealerOf(1));
      for (const key of ["a", "b", "c"]) await beginSealed(before, key).finish(answer);
      await begin(before, "p").finish(answer);
      // A start that is refused later on, for want of the same key, has deleted nothing.
      await restore(await sealerOf(...bytes));
      assert.deepEqual(await store.keys(space), ["a", "b", "c", "p"]);
      logs.length = 0;
      const keys = await startWith(await sealerOf(...bytes));
      assert.equal(kinds(keys, "a", "p"), "new replay");
      assert.deepEqual(await store.keys(space), ["p"]);
      assert.deepEqual([logs.length, logs[0]?.level, logs[0]?.["unopened"]], [1, "warn", 3]);
    });
  }

  it("lets nobody be answered before it is sealed and kept", async () => {
    const { store, startWith } = machine();
    const { sealer, release } = slowSealer();
    const keys = await startWith(sealer);
    const finished = beginSealed(keys, "k").finish(answer);
    assert.equal(await isSettled(finished), false);
    assert.equal(kinds(keys, "k"), "running");
    release();
    await finished;
    assert.deepEqual(await store.keys(space), ["k"]);
  });

  it("is not kept when it was forgotten while it was sealed", async () => {
    const { store, startWith } = machine();
    const { sealer, release } = slowSealer();
    const keys = await startWith(sealer, 1);
    const finished = beginSealed(keys, "a").finish(answer);
    await begin(keys, "b").finish(answer);
    release();
    await finished;
    await keys.flush();
    assert.deepEqual(await store.keys(space), ["b"]);
  });

  for (const form of ["plain", "sealed"] as const) {
    it(`does not take the place of a later one, ${form}, under the same key`, async () => {
      const { startWith } = machine();
      const { sealer, release } = slowSealer();
      const keys = await startWith(sealer, 1);
      const earlier = beginSealed(keys, "a").finish(answer);
      begin(keys, "b");
      const later = begin(keys, "a", "another", form).finish(answer);
      release();
      await Promise.all([earlier, later]);
      assert.equal((await startWith(sealer)).claim("a", "another").kind, "replay");
    });
  }

  it("answers all the same when it cannot be sealed, and says so", async () => {
    const { logs, startWith } = machine();
    const seal = () => Promise.reject(new TypeError("a defect"));
    const keys = await startWith({ ...plainSealer, seal });
    await beginSealed(keys, "k").finish(answer);
    assert.equal(kinds(keys, "k"), "replay");
    assert.match(JSON.stringify(logs), /"warn".*a defect/);
  });
});
