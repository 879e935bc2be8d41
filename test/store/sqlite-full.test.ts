import assert from "node:assert/strict";
import { join } from "node:path";
import { openSqlite } from "../../src/store/sqlite.ts";
import { StoreError, type Lease, type Store } from "../../src/store/store.ts";
import { cannotMount, smallDisk } from "../support/small-disk.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const MiB = 1_048_576;
const value = "x".repeat(50_000);

const put = (key: string) => ({ type: "put", space: "s", key, value }) as const;

/** Fills a store until it has no room; the keys that it has kept. */
async function fillUp(store: Store, lease: Lease): Promise<string[]> {
  const kept: string[] = [];
  for (;;) {
    const key = `k${kept.length}`;
    try {
      await store.commit(lease, [put(key)]);
      kept.push(key);
    } catch (error) {
      assert.ok(error instanceof StoreError && error.kind === "full", String(error));
      return kept;
    }
  }
}

async function expectFull(store: Store, lease: Lease, kept: readonly string[]): Promise<void> {
  assert.equal(store.health.state, "full");
  // What it has can be read, and what is new is refused again.
  assert.equal(await store.get("s", kept[0] ?? ""), value);
  await assert.rejects(store.commit(lease, [put("more")]), (error) => (error as StoreError).kind === "full");
  assert.equal(await store.get("s", "more"), null);
}

function healthy(store: Store): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (store.health.state !== "open") return;
      unlisten();
      resolve();
    };
    const unlisten = store.onHealth(check);
    check();
  });
}

async function cleaned(store: Store, lease: Lease, kept: readonly string[]): Promise<void> {
  for (const key of kept.slice(0, Math.ceil(kept.length / 2)))
    await store.commit(lease, [{ type: "delete", space: "s", key }]);
  await healthy(store);
  await store.commit(lease, [put("more")]);
  assert.equal(await store.get("s", "more"), value);
  assert.equal(await store.get("s", kept.at(-1) ?? ""), value);
}

describe("S63: a store without room", () => {
  it("at its own bound refuses what grows, reads, deletes, and takes more again when there is room", async () => {
    using directory = temporaryDirectory();
    const store = await openSqlite({
      file: join(directory.path, "x.db"),
      maxBytes: 4 * MiB,
      busyTimeoutMs: 0,
    });
    const lease = await store.acquire();
    const kept = await fillUp(store, lease);
    await expectFull(store, lease, kept);
    assert.match(store.health.state === "full" ? store.health.detail : "", /CONNACK_STORE_MAX_BYTES/);
    await cleaned(store, lease, kept);
    await store[Symbol.asyncDispose]();
  });

  it(
    "on a full disk refuses what grows, reads, deletes with what it has in reserve, and recovers by itself",
    async () => {
      using disk = smallDisk(24);
      const store = await openSqlite({
        file: join(disk.path, "x.db"),
        maxBytes: 1_024 * MiB,
        busyTimeoutMs: 0,
      });
      const lease = await store.acquire();
      await store.commit(lease, [put("first")]);
      disk.fill();
      const kept = ["first", ...(await fillUp(store, lease))];
      await expectFull(store, lease, kept);
      await store.commit(lease, [{ type: "delete", space: "s", key: "first" }]);
      assert.equal(await store.get("s", "first"), null);
      assert.equal(store.health.state, "full");
      disk.free();
      await healthy(store);
      await store.commit(lease, [put("more")]);
      await store[Symbol.asyncDispose]();
    },
    { skip: cannotMount() },
  );

  it(
    "a log, or a space, that is many times as large as the reserve can be dropped on a full disk",
    async () => {
      using disk = smallDisk(64);
      const store = await openSqlite({
        file: join(disk.path, "x.db"),
        maxBytes: 1_024 * MiB,
        busyTimeoutMs: 0,
      });
      const lease = await store.acquire();
      const small = "y".repeat(300);
      for (let n = 0; n < 200; n += 1)
        await store.commit(
          lease,
          Array.from({ length: 200 }, () => ({ type: "append", logs: ["big"], data: small }) as const),
        );
      for (let n = 0; n < 200; n += 1) await store.commit(lease, [put(`k${n}`)]);
      disk.fill();
      const kept = await fillUp(store, lease);
      assert.equal(store.health.state, "full");
      await store.commit(lease, [{ type: "drop", log: "big" }]);
      assert.deepEqual(await store.entries("big", 0, 10), []);
      await store.commit(lease, [{ type: "clear", space: "s" }]);
      assert.equal(await store.get("s", kept[0] ?? "k1"), null);
      disk.free();
      await healthy(store);
      await store[Symbol.asyncDispose]();
    },
    { skip: cannotMount() },
  );

  it(
    "opened on a full disk reads and deletes",
    async () => {
      using disk = smallDisk(24);
      const open = () =>
        openSqlite({ file: join(disk.path, "x.db"), maxBytes: 1_024 * MiB, busyTimeoutMs: 0 });
      const first = await open();
      const lease = await first.acquire();
      await first.commit(lease, [put("a"), put("b")]);
      disk.fill();
      await fillUp(first, lease);
      await first[Symbol.asyncDispose]();
      disk.fill();
      const store = await open();
      assert.equal(await store.get("s", "a"), value);
      const again = await store.acquire();
      await store.commit(again, [{ type: "delete", space: "s", key: "a" }]);
      assert.equal(await store.get("s", "b"), value);
      await store[Symbol.asyncDispose]();
    },
    { skip: cannotMount() },
  );
});
