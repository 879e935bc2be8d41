import assert from "node:assert/strict";
import * as fc from "fast-check";
import { retryDelay, stableAfterMs } from "../../src/connection/retry.ts";
import { policy } from "../support/machine.ts";
import { describe, it } from "../support/test.ts";

const limits = fc
  .tuple(fc.integer({ min: 10, max: 3_600_000 }), fc.integer({ min: 10, max: 3_600_000 }))
  .map((pair) => {
    const [minDelayMs = 0, maxDelayMs = 0] = pair.toSorted((a, b) => a - b);
    return { enabled: true, maxAttempts: null, minDelayMs, maxDelayMs };
  });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("retryDelay()", () => {
  it("doubles its ceiling with each failure, up to maxDelayMs", () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => retryDelay(policy, failures, 0.999_999));
    assert.deepEqual(ceilings, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  it("has minDelayMs for its floor, however many failures there were", () => {
    for (const failures of [1, 5, 100]) assert.equal(retryDelay(policy, failures, 0), 100);
  });

  it("spreads evenly between floor and ceiling", () => {
    assert.deepEqual(
      [0, 0.25, 0.5, 0.75].map((r) => retryDelay(policy, 2, r)),
      [100, 175, 250, 325],
    );
  });

  it("stays within its bounds, and never shrinks with more failures", () => {
    fc.assert(
      fc.property(limits, fc.nat(2_000), random, (limit, failures, r) => {
        const delay = retryDelay(limit, failures, r);
        assert.ok(Number.isInteger(delay) && delay >= limit.minDelayMs && delay <= limit.maxDelayMs);
        assert.ok(retryDelay(limit, failures + 1, r) >= delay);
      }),
    );
  });
});

describe("stableAfterMs()", () => {
  it("is maxDelayMs, and at most half a minute", () => {
    assert.equal(stableAfterMs(policy), 10_000);
    assert.equal(stableAfterMs({ ...policy, maxDelayMs: 3_600_000 }), 30_000);
  });
});
