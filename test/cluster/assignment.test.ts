import assert from "node:assert/strict";
import { assert as check, integer, property, shuffledSubarray, string, uniqueArray } from "fast-check";
import { assign, type Candidate } from "../../src/cluster/assignment.ts";
import { describe, it } from "../support/test.ts";

const nodes = uniqueArray(string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 9 }).map(
  (names): Candidate[] => names.map((name) => ({ name, node: `${name}-1` })),
);
const shards = integer({ min: 1, max: 128 });

function counts(assigned: ReadonlyMap<number, string>): Map<string, number> {
  const held = new Map<string, number>();
  for (const node of assigned.values()) held.set(node, (held.get(node) ?? 0) + 1);
  return held;
}

/** Shards that are somebody else's than before. */
function moved(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>): number {
  return [...after].filter(([shard, node]) => before.get(shard) !== node).length;
}

describe("assign()", () => {
  it("gives every shard to one node, and no node two more than another", () => {
    check(
      property(nodes, shards, (all, count) => {
        const assigned = assign(all, count);
        assert.equal(assigned.size, count);
        const held = all.map(({ node }) => counts(assigned).get(node) ?? 0);
        assert.ok(Math.max(...held) - Math.min(...held) <= 1);
      }),
    );
  });

  it("gives what a node has declined to another one, and what all have to somebody all the same", () => {
    const all = ["a", "b", "c"].map((name) => ({ name, node: `${name}-1` }));
    const before = assign(all, 12);
    const own = [...before].flatMap(([shard, node]) => (node === "b-1" ? [shard] : []));
    const declining = all.map((each) => (each.name === "b" ? { ...each, declined: own } : each));
    const after = assign(declining, 12);
    assert.equal(after.size, 12);
    for (const shard of own) assert.notEqual(after.get(shard), "b-1");
    const none = all.map((each) => ({ ...each, declined: Array.from({ length: 12 }, (_, shard) => shard) }));
    assert.deepEqual(assign(none, 12), before);
    const only = new Set(assign([all[0]!, none[1]!, none[2]!], 12).values());
    assert.deepEqual(only, new Set(["a-1"]));
  });

  it("comes to the same result in whatever order the nodes are known", () => {
    const both = nodes.chain((all) =>
      shuffledSubarray(all, { minLength: all.length }).map((shuffled) => [all, shuffled] as const),
    );
    check(
      property(both, shards, ([all, shuffled], count) => {
        assert.deepEqual(assign(shuffled, count), assign(all, count));
      }),
    );
  });

  it("moves about a node's share when it comes, or goes", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const all = names.map((name) => ({ name, node: `${name}-1` }));
    for (let size = 2; size <= all.length; size += 1) {
      const before = assign(all.slice(0, size - 1), 120);
      const after = assign(all.slice(0, size), 120);
      assert.ok(moved(before, after) <= (120 / size) * 1.7, `${size}: ${moved(before, after)}`);
    }
  });

  it("gives a node that was started again what it had", () => {
    const all = ["a", "b", "c"].map((name) => ({ name, node: `${name}-1` }));
    const again = all.map((each) => (each.name === "b" ? { ...each, node: "b-2" } : each));
    const renamed = [...assign(all, 60)].map(
      ([shard, node]) => [shard, node === "b-1" ? "b-2" : node] as const,
    );
    assert.deepEqual(assign(again, 60), new Map(renamed));
  });

  it("gives nobody anything where there is nobody", () => {
    assert.equal(assign([], 12).size, 0);
  });
});
