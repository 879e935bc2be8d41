import assert from "node:assert/strict";
import * as fc from "fast-check";
import { assign, type Candidate } from "../../src/cluster/assignment.ts";
import { describe, it } from "../support/test.ts";

const nodes = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 9 })
  .map((names): Candidate[] => names.map((name) => ({ name, node: `${name}-1` })));
const shards = fc.integer({ min: 1, max: 128 });

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
    fc.assert(
      fc.property(nodes, shards, (all, count) => {
        const assigned = assign(all, count);
        assert.equal(assigned.size, count);
        const held = all.map(({ node }) => counts(assigned).get(node) ?? 0);
        assert.ok(Math.max(...held) - Math.min(...held) <= 1);
      }),
    );
  });

  it("comes to the same result in whatever order the nodes are known", () => {
    fc.assert(
      fc.property(nodes, shards, fc.integer(), (all, count, seed) => {
        const shuffled = all.toSorted((a, b) => (a.name + seed < b.name + seed ? 1 : -1)).toReversed();
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
    assert.deepEqual(new Map(assign(again, 60)), new Map(renamed));
  });

  it("gives nobody anything where there is nobody", () => {
    assert.equal(assign([], 12).size, 0);
  });
});
