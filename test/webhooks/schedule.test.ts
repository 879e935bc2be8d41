import assert from "node:assert/strict";
import { nextDelay, parseRetryAfter, standardSchedule, type Tried } from "../../src/webhooks/schedule.ts";
import { describe, it } from "../support/test.ts";

const tried: Tried = { failures: 1, sinceFirstMs: 0, retryAfterMs: null, random: 0 };
const seconds = (fields: Partial<Tried>) => {
  const delay = nextDelay(standardSchedule, { ...tried, ...fields });
  return delay === null ? null : delay / 1_000;
};

describe("nextDelay()", () => {
  it("is that of Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h …", () => {
    const all = [1, 2, 3, 4, 5, 6, 7].map((failures) => seconds({ failures }));
    assert.deepEqual(all, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
  });

  it("adds up to a fifth", () => {
    assert.equal(seconds({ random: 0.5 }), 5.5);
    assert.equal(seconds({ random: 0.999 }), 5.999);
  });

  it("makes the last attempt 24 hours after the first, and none after that", () => {
    const hour = 3_600_000;
    assert.equal(seconds({ failures: 7, sinceFirstMs: 23 * hour, random: 0.9 }), 3_600);
    assert.equal(seconds({ failures: 8, sinceFirstMs: 24 * hour }), null);
    assert.equal(seconds({ failures: 1, sinceFirstMs: 24 * hour, retryAfterMs: 1_000 }), null);
  });

  it("comes when it is asked to, but not at once, and within the hour", () => {
    assert.equal(seconds({ failures: 5, retryAfterMs: 60_000 }), 60);
    assert.equal(seconds({ failures: 5, retryAfterMs: 0 }), 5);
    assert.equal(seconds({ failures: 1, retryAfterMs: 1e12 }), 3_600);
  });
});

describe("parseRetryAfter()", () => {
  const now = Date.UTC(2026, 10, 22, 9, 0, 0);
  for (const [header, ms] of [
    ["120", 120_000],
    ["0", 0],
    ["Sun, 22 Nov 2026 09:01:00 GMT", 60_000],
    ["Sun, 22 Nov 2026 08:00:00 GMT", 0],
    ["soon", null],
    ["-1e", null],
    ["", null],
    [undefined, null],
  ] as const) {
    it(`${header} is ${ms}`, () => assert.equal(parseRetryAfter(header, now), ms));
  }
});
