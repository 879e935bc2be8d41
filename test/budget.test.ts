import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Budget } from "../src/budget.ts";
import { describe, it } from "./support/test.ts";

describe("Budget", () => {
  it("takes nothing where there is no room, and counts whose fault that was", () => {
    const all = new Budget("ALL", 3);
    const [a, b] = [new Budget("PART", 2, all), new Budget("PART", 2, all)];
    assert.equal(a.take(2), null);
    assert.equal(a.take(), a);
    assert.equal(b.take(2), all);
    assert.equal(b.take(1), null);
    assert.deepEqual([a.used, b.used, all.used], [2, 1, 3]);
    assert.deepEqual([a.refused, b.refused, all.refused, all.refusedWithin], [1, 0, 1, 1]);
  });

  it("is over when more was forced than there may be, here or in all", () => {
    const all = new Budget("ALL", 3);
    const [a, b] = [new Budget("PART", 2, all), new Budget("PART", 2, all)];
    a.force(2);
    assert.equal(a.isOver, false);
    b.force(2);
    assert.deepEqual([a.isOver, b.isOver], [true, true]);
    b.noteOver();
    assert.equal(all.refused, 1);
    b.give(2);
    assert.equal(a.isOver, false);
  });

  it("all is the sum of its parts, whatever comes", () => {
    const step = fc.record({ part: fc.nat(2), kind: fc.constantFrom("take", "force", "give"), n: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const all = new Budget("ALL", 10);
        const parts = [0, 1, 2].map(() => new Budget("PART", 6, all));
        for (const { part, kind, n } of steps) {
          const budget = parts[part]!;
          const room = budget.used + n <= 6 && all.used + n <= 10;
          const before = budget.used;
          if (kind === "take") assert.equal(budget.take(n) === null, room);
          else if (kind === "force") budget.force(n);
          else budget.give(Math.min(n, budget.used));
          if (kind === "take" && !room) assert.equal(budget.used, before);
          assert.equal(
            all.used,
            parts.reduce((sum, { used }) => sum + used, 0),
          );
        }
      }),
    );
  });
});
