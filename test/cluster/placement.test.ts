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
    const members = [facts("a", 30, [1, 2]), facts("b", 10, [0, 3, 4]), facts("c", 20, [5, 6])];
    assert.deepEqual(new Placement(() => 0).order(members, 7), [3, 4, 5, 6, 1, 2]);
  });

  it("has no place for connections where what belongs to none is, but where there is one shard", () => {
    const placement = new Placement(() => 0);
    assert.deepEqual(placement.order([facts("a", 0, [0]), facts("b", 9, [1])], 2), [1]);
    assert.deepEqual(placement.order([facts("a", 0, [0])], 1), [0]);
  });

  it("has all shards once: what nobody owns comes last", () => {
    const members = [facts("a", 1, [4]), facts("b", 0, [])];
    assert.deepEqual(new Placement(() => 0).order(members, 6), [4, 1, 2, 3, 5]);
    assert.deepEqual(new Placement(() => 0).order([], 3), [1, 2]);
  });

  it("counts what it has placed since a node said how many it has, and then no more", () => {
    const placement = new Placement(() => 0);
    const [a, b] = [facts("a", 0, [2]), facts("b", 3, [1])];
    const first = () => placement.order([a, b], 3)[0];
    assert.deepEqual([first(), first(), first()], [2, 2, 2]);
    // As many as the other one now; from here on in turn.
    const next = Array.from({ length: 10 }, first);
    assert.equal(next.filter((shard) => shard === 2).length, 5);
    const news = facts("a", 8, [2]);
    assert.equal(placement.order([news, facts("b", 9, [1])], 3)[0], 2);
  });

  it("forgets a node that is gone", () => {
    const placement = new Placement(() => 0);
    const b = facts("b", 5, [1]);
    placement.order([facts("a", 0, [2]), b], 3);
    assert.deepEqual(placement.order([b], 3), [1, 2]);
  });

  it("gives the shards of one node as many each", () => {
    let turn = 0;
    const placement = new Placement(() => (turn++ % 4) / 4);
    const members = [facts("a", 0, [3, 5, 7, 9])];
    const firsts = Array.from({ length: 40 }, () => placement.order(members, 12)[0]);
    for (const shard of [3, 5, 7, 9]) assert.equal(firsts.filter((each) => each === shard).length, 10);
  });
});
