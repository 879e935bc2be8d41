import assert from "node:assert/strict";
import type { NodeFacts } from "../../src/cluster/heart.ts";
import { Placement } from "../../src/cluster/placement.ts";
import { describe, it } from "../support/test.ts";

function facts(node: string, connections: number, shards: readonly number[]): NodeFacts {
  const startedAt = "2026-01-01T00:00:00.000Z";
  return { node, name: node, version: "0", startedAt, shards, connections, isSettled: true };
}

describe("Placement", () => {
  it("begins with the shards of the node that holds the fewest", () => {
    const members = [facts("a", 30, [0, 1]), facts("b", 10, [2, 3]), facts("c", 20, [4, 5])];
    assert.deepEqual(new Placement(() => 0).order(members, 6), [2, 3, 4, 5, 0, 1]);
  });

  it("has all shards once: what nobody owns comes last", () => {
    const members = [facts("a", 1, [4]), facts("b", 0, [])];
    assert.deepEqual(new Placement(() => 0).order(members, 6), [4, 0, 1, 2, 3, 5]);
    assert.deepEqual(new Placement(() => 0).order([], 3), [0, 1, 2]);
  });

  it("counts what it has placed since a node said how many it has, and then no more", () => {
    const placement = new Placement(() => 0);
    const [a, b] = [facts("a", 0, [0]), facts("b", 3, [1])];
    const first = () => placement.order([a, b], 2)[0];
    assert.deepEqual([first(), first(), first()], [0, 0, 0]);
    // As many as the other one now; from here on in turn.
    const next = Array.from({ length: 10 }, first);
    assert.equal(next.filter((shard) => shard === 0).length, 5);
    const news = facts("a", 8, [0]);
    assert.equal(placement.order([news, facts("b", 9, [1])], 2)[0], 0);
  });

  it("forgets a node that is gone", () => {
    const placement = new Placement(() => 0);
    const b = facts("b", 5, [1]);
    placement.order([facts("a", 0, [0]), b], 2);
    assert.deepEqual(placement.order([b], 2), [1, 0]);
  });

  it("gives the shards of one node as many each", () => {
    let turn = 0;
    const placement = new Placement(() => (turn++ % 4) / 4);
    const members = [facts("a", 0, [3, 5, 7, 9])];
    const firsts = Array.from({ length: 40 }, () => placement.order(members, 12)[0]);
    for (const shard of [3, 5, 7, 9]) assert.equal(firsts.filter((each) => each === shard).length, 10);
  });
});
