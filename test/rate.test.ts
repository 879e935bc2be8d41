import assert from "node:assert/strict";
import * as fc from "fast-check";
import { attemptRate, Rate, requestRate } from "../src/rate.ts";
import { describe, it } from "./support/test.ts";

const taken = (rate: Rate, tries: number) =>
  Array.from({ length: tries }, () => rate.take()).filter((full) => full === null).length;

describe("Rate", () => {
  it("has a burst of one period, and fills evenly", () => {
    let now = 0;
    const rate = new Rate("R", 10, requestRate, () => now);
    assert.equal(taken(rate, 20), 10);
    now += 250;
    assert.equal(taken(rate, 20), 2);
    now += 10_000;
    assert.equal(taken(rate, 20), 10);
    assert.equal(rate.refused, 38);
  });

  it("says when there is room again, in whole seconds", () => {
    let now = 0;
    const rate = new Rate("R", 6, attemptRate, () => now);
    taken(rate, 6);
    assert.equal(rate.refusal.retryAfterSeconds, 10);
    assert.equal(rate.secondsToFull, 60);
    now += 4_500;
    assert.notEqual(rate.take(), null);
    assert.equal(rate.refusal.retryAfterSeconds, 6);
    now += 5_500;
    assert.equal(rate.take(), null);
  });

  it("of a tenant takes from what there may be in all, and nothing where it is refused", () => {
    const all = new Rate("ALL", 5, requestRate, () => 0);
    const [a, b] = [
      new Rate("PART", 3, requestRate, () => 0, all),
      new Rate("PART", 3, requestRate, () => 0, all),
    ];
    assert.equal(taken(a, 4), 3);
    assert.equal(all.left, 2);
    assert.equal(taken(b, 3), 2);
    assert.equal(b.left, 1);
    assert.deepEqual([a.refused, all.refused, all.refusedWithin], [1, 1, 1]);
  });

  it("lets no more through in any time than a burst and what is filled meanwhile", () => {
    const steps = fc.array(fc.record({ ms: fc.nat(400), tries: fc.nat(8) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (waits, most) => {
        let now = 0;
        const rate = new Rate("R", most, requestRate, () => now);
        let through = 0;
        for (const { ms, tries } of waits) {
          now += ms;
          through += taken(rate, tries);
          assert.ok(through <= most + (now * most) / 1_000 + 1e-6, `${through} by ${now} ms`);
        }
      }),
    );
  });
});
