import assert from "node:assert/strict";
import { GroupCommit } from "../../src/store/group-commit.ts";
import type { Commit, CommitResult } from "../../src/store/commit.ts";
import { StoreError } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

const commit = (data: string): Commit => ({ token: "1", changes: [{ type: "append", logs: ["l"], data }] });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const ok: CommitResult = { ok: true, positions: [1] };

function rig() {
  const groups: (readonly Commit[])[] = [];
  const group = new GroupCommit((sent) => groups.push(sent));
  const datas = () =>
    groups.map((each) => each.map(({ changes }) => changes.map((change) => "data" in change && change.data)));
  return { group, groups, datas };
}

describe("GroupCommit", () => {
  it("sends what one turn brought as one group, and what comes meanwhile as further ones", async () => {
    const { group, groups, datas } = rig();
    const first = [group.add(commit("a")), group.add(commit("b"))];
    assert.equal(groups.length, 0);
    await turn();
    const second = group.add(commit("c"));
    await turn();
    assert.deepEqual(datas(), [[["a"], ["b"]], [["c"]]]);
    group.done([ok, { ok: false, kind: "conflict", message: "no" }]);
    assert.deepEqual(await first[0], [1]);
    await assert.rejects(first[1] ?? Promise.resolve(), { name: "StoreError", kind: "conflict" });
    group.done([ok]);
    await second;
    await group.idle();
  });

  it("tells each in order what became of it, when several groups are answered at once", async () => {
    const { group } = rig();
    const told: string[] = [];
    const add = (name: string) => void group.add(commit(name)).then(([at]) => told.push(`${name} ${at}`));
    add("a");
    add("b");
    await turn();
    add("c");
    await turn();
    group.done([1, 2, 3].map((position) => ({ ok: true, positions: [position] })));
    await group.idle();
    await turn();
    assert.deepEqual(told, ["a 1", "b 2", "c 3"]);
  });

  it("has four groups under way, and calls unknown what becomes of them when it fails", async () => {
    const { group, groups } = rig();
    const outcomes: Promise<unknown>[] = [];
    for (let n = 0; n < 6; n += 1) {
      outcomes.push(group.add(commit(String(n))).catch((error: StoreError) => error.kind));
      await turn();
    }
    assert.equal(groups.length, 4);
    group.fail("gone");
    const unknown = Array<string>(4).fill("unknown");
    assert.deepEqual(await Promise.all(outcomes), [...unknown, "unavailable", "unavailable"]);
  });

  it("keeps groups small, in order, and a large commit whole", async () => {
    const { group, groups } = rig();
    const all = Array.from({ length: 2_500 }, (_, n) => group.add(commit(String(n))));
    await turn();
    const sizes: number[] = [];
    for (let at = 0; at < groups.length; at += 1) {
      const sent = groups[at] ?? [];
      sizes.push(sent.length);
      group.done(sent.map(() => ok));
    }
    assert.deepEqual(sizes, [1_000, 1_000, 500]);
    await Promise.all(all);
    const large = group.add(commit("x".repeat(8_000_000)));
    const after = group.add(commit("y"));
    await turn();
    assert.deepEqual(
      groups.slice(3).map(({ length }) => length),
      [1, 1],
    );
    group.done([ok]);
    group.done([ok]);
    await Promise.all([large, after]);
  });

  it("refuses more than may wait for a disk that does not keep up", async () => {
    const { group } = rig();
    const blocked = group.add(commit("a"));
    await turn();
    const waiting = Array.from({ length: 15 }, () => group.add(commit("x".repeat(10_000_000))));
    const results = await Promise.race([Promise.allSettled(waiting.slice(-2)), turn().then(() => null)]);
    assert.deepEqual(
      results?.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    group.fail("over");
    await assert.rejects(blocked, { kind: "unknown" });
    for (const each of waiting) await assert.rejects(each, StoreError);
    await group.idle();
  });

  it("refuse() leaves nobody waiting but those whose outcome is not known", async () => {
    let sent = Promise.withResolvers<number>();
    const commits = new GroupCommit((group) => sent.resolve(group.length));
    const first = commits.add(commit("x"));
    assert.equal(await sent.promise, 1);
    const second = commits.add(commit("x"));
    commits.refuse(1, "The disk fails");
    await assert.rejects(second, { kind: "unavailable" });
    await assert.rejects(commits.add(commit("x")), { kind: "unavailable" });
    sent = Promise.withResolvers();
    commits.decided([{ ok: true, positions: [7] }]);
    assert.deepEqual(await first, [7]);
    const third = commits.add(commit("x"));
    assert.equal(await sent.promise, 1);
    commits.done([{ ok: true, positions: [8] }]);
    assert.deepEqual(await third, [8]);
  });

  it("answers what was handed on behind those whose outcome is not known, before it is", async () => {
    const { group } = rig();
    const told: string[] = [];
    const add = async (name: string) => {
      const outcome = await group.add(commit(name)).catch((error: StoreError) => error.kind);
      told.push(`${name} ${String(outcome)}`);
    };
    const all: Promise<void>[] = [];
    for (const name of ["a", "b", "c"]) {
      all.push(add(name));
      await turn();
    }
    group.refuse(2, "The disk fails");
    group.done([{ ok: false, kind: "unavailable", message: "The disk fails" }]);
    await all[2];
    assert.deepEqual(told, ["c unavailable"]);
    let idle = false;
    const wholly = group.idle().then(() => (idle = true));
    await turn();
    assert.equal(idle, false);
    group.decided([ok, { ok: true, positions: [2] }]);
    await Promise.all([...all, wholly]);
    assert.deepEqual(told, ["c unavailable", "a 1", "b 2"]);
  });
});
