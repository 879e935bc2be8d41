import assert from "node:assert/strict";
import { StoreError, type Lease, type Store } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

/** A store with a lease on it, and how it is opened again by somebody else. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
  readonly lease: Lease;
}

const isKind = (kind: StoreError["kind"]) => (error: unknown) =>
  error instanceof StoreError && error.kind === kind;

/** What every store promises. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`the store's contract: ${name}`, () => {
    const test = (what: string, body: (opened: OpenedStore) => Promise<void>) =>
      it(what, async () => {
        await using opened = await open();
        await body(opened);
      });

    test("commit() keeps records, replaces them, and deletes them", async ({ store, lease }) => {
      await store.commit(lease, [
        { type: "put", space: "a", key: "1", value: "one" },
        { type: "put", space: "b", key: "1", value: "other" },
      ]);
      await store.commit(lease, [{ type: "put", space: "a", key: "1", value: "öne\u0001\n" }]);
      assert.equal(await store.get("a", "1"), "öne\u0001\n");
      assert.equal(await store.get("b", "1"), "other");
      await store.commit(lease, [
        { type: "delete", space: "a", key: "1" },
        { type: "delete", space: "a", key: "never" },
      ]);
      assert.equal(await store.get("a", "1"), null);
      assert.equal(await store.get("b", "1"), "other");
    });

    test("records() pages through a space in the order of the keys' bytes", async ({ store, lease }) => {
      const keys = ["b", "a", "a/1", "ab", "\u{1f600}", "\uffee", "z"];
      await store.commit(
        lease,
        keys.map((key) => ({ type: "put", space: "s", key, value: key }) as const),
      );
      await store.commit(lease, [{ type: "put", space: "t", key: "c", value: "" }]);
      const seen: string[] = [];
      for (let after: string | null = null; ;) {
        const page = await store.records("s", after, 2);
        seen.push(...page.map(({ key }) => key));
        if (page.length < 2) break;
        after = page.at(-1)?.key ?? null;
      }
      assert.deepEqual(seen, ["a", "a/1", "ab", "b", "z", "\uffee", "\u{1f600}"]);
      assert.deepEqual([await store.count("s"), await store.count("never")], [keys.length, 0]);
      await store.commit(lease, [{ type: "clear", space: "s" }]);
      assert.deepEqual(await store.records("s", null, 10), []);
      assert.equal((await store.records("t", null, 10)).length, 1);
    });

    test("spaces() are those of a prefix that have records, in the order of their bytes", async ({
      store,
      lease,
    }) => {
      assert.deepEqual(await store.spaces(""), []);
      const put = (space: string, key: string) => ({ type: "put", space, key, value: "" }) as const;
      const named = ["b", "a", "\u{1f600}", "\uffee", "gone", "emptied"];
      await store.commit(lease, [...named.map((space) => put(space, "1")), put("a", "2")]);
      await store.commit(lease, [
        { type: "clear", space: "gone" },
        { type: "delete", space: "emptied", key: "1" },
      ]);
      assert.deepEqual(await store.spaces(""), ["a", "b", "\uffee", "\u{1f600}"]);
      await store.commit(lease, [put("a/1", "1"), put("a/2", "1"), put("a0", "1")]);
      assert.deepEqual(await store.spaces("a/"), ["a/1", "a/2"]);
      assert.deepEqual(await store.spaces("c"), []);
    });

    test("a commit whose expectation does not hold is a conflict, and changes nothing", async ({
      store,
      lease,
    }) => {
      const put = { type: "put", space: "s", key: "k", value: "1", expect: "absent" } as const;
      await store.commit(lease, [put]);
      const second = store.commit(lease, [
        { type: "put", space: "s", key: "other", value: "x" },
        { type: "append", logs: ["l"], data: "x" },
        { ...put, value: "2" },
      ]);
      await assert.rejects(second, isKind("conflict"));
      assert.equal(await store.get("s", "k"), "1");
      assert.equal(await store.get("s", "other"), null);
      assert.deepEqual(await store.entries("l", 0, 10), []);
    });

    test("commits beside a conflict are kept", async ({ store, lease }) => {
      const put = (key: string, value: string) =>
        store.commit(lease, [{ type: "put", space: "s", key, value, expect: "absent" }]);
      const all = await Promise.allSettled([put("a", "1"), put("a", "2"), put("b", "3")]);
      assert.deepEqual(
        all.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      assert.equal(await store.get("s", "a"), "1");
      assert.equal(await store.get("s", "b"), "3");
    });

    test("append gives growing positions over all logs, and one to an entry of several", async ({
      store,
      lease,
    }) => {
      const [first = 0, second = 0] = await store.commit(lease, [
        { type: "append", logs: ["x"], data: "1" },
        { type: "append", logs: ["x", "y"], data: "2" },
      ]);
      const [third = 0] = await store.commit(lease, [{ type: "append", logs: ["y"], data: "3" }]);
      assert.ok(0 < first && first < second && second < third);
      assert.deepEqual(await store.entries("x", 0, 10), [
        { position: first, data: "1" },
        { position: second, data: "2" },
      ]);
      assert.deepEqual(await store.entries("y", first, 1), [{ position: second, data: "2" }]);
      assert.deepEqual(await store.entries("y", second, 10), [{ position: third, data: "3" }]);
      assert.deepEqual(await store.entries("never", 0, 10), []);
    });

    test("what was trimmed is too old, and says from where on there is more", async ({ store, lease }) => {
      const positions = await store.commit(
        lease,
        ["1", "2", "3"].map((data) => ({ type: "append", logs: ["x"], data }) as const),
      );
      const through = positions[1] ?? 0;
      await store.commit(lease, [{ type: "trim", log: "x", through }]);
      assert.deepEqual(
        (await store.entries("x", through, 10)).map(({ data }) => data),
        ["3"],
      );
      await assert.rejects(
        store.entries("x", 0, 10),
        (error) => isKind("too-old")(error) && (error as StoreError).firstPosition === through,
      );
      await store.commit(lease, [{ type: "trim", log: "x", through: 1 }]);
      assert.deepEqual(await store.logs(""), [{ name: "x", trimmedThrough: through }]);
    });

    test("drop forgets a log, and what comes after begins anew", async ({ store, lease }) => {
      await store.commit(lease, [{ type: "append", logs: ["x", "xy", "z"], data: "1" }]);
      await store.commit(lease, [
        { type: "trim", log: "x", through: 1 },
        { type: "drop", log: "x" },
      ]);
      assert.deepEqual(await store.entries("x", 0, 10), []);
      assert.deepEqual(
        (await store.logs("x")).map(({ name }) => name),
        ["xy"],
      );
      const [position = 0] = await store.commit(lease, [{ type: "append", logs: ["x"], data: "2" }]);
      assert.ok(position > 1);
      assert.deepEqual(await store.entries("x", 0, 10), [{ position, data: "2" }]);
    });

    test("changes of one commit apply in order", async ({ store, lease }) => {
      await store.commit(lease, [
        { type: "put", space: "s", key: "k", value: "1" },
        { type: "clear", space: "s" },
        { type: "put", space: "s", key: "k", value: "2", expect: "absent" },
        { type: "append", logs: ["x"], data: "gone" },
        { type: "drop", log: "x" },
        { type: "append", logs: ["x"], data: "there" },
      ]);
      assert.equal(await store.get("s", "k"), "2");
      assert.deepEqual(
        (await store.entries("x", 0, 10)).map(({ data }) => data),
        ["there"],
      );
    });

    test("commits resolve in the order in which they were made", async ({ store, lease }) => {
      const order: number[] = [];
      const all = Array.from({ length: 3_000 }, (_, n) =>
        store.commit(lease, [{ type: "append", logs: ["x"], data: String(n) }]).then(() => order.push(n)),
      );
      await Promise.all(all);
      assert.deepEqual(
        order.findIndex((n, index) => n !== index),
        -1,
      );
      const seen: string[] = [];
      for (let after = 0; seen.length < 3_000;) {
        const page = await store.entries("x", after, 1_000);
        seen.push(...page.map(({ data }) => data));
        after = page.at(-1)?.position ?? 0;
      }
      assert.deepEqual(
        seen.findIndex((data, index) => data !== String(index)),
        -1,
      );
    });

    test("whoever loses the lease is fenced, and changes nothing", async ({ store, lease }) => {
      const newer = await store.acquire();
      const put = { type: "put", space: "s", key: "k", value: "zombie" } as const;
      await assert.rejects(store.commit(lease, [put]), isKind("fenced"));
      assert.equal(await store.get("s", "k"), null);
      await store.commit(newer, [{ ...put, value: "owner" }]);
      assert.equal(await store.get("s", "k"), "owner");
    });

    test("after its end commits are unavailable", async ({ store, lease }) => {
      await store[Symbol.asyncDispose]();
      const late = store.commit(lease, [{ type: "put", space: "s", key: "k", value: "v" }]);
      await assert.rejects(late, isKind("unavailable"));
      assert.equal(store.health.state, "away");
    });
  });
}
