import assert from "node:assert/strict";
import { afterOwnGap, defaultTimes, judgeOwner, seen, type Judgement } from "../../src/cluster/liveness.ts";
import { describe, it } from "../support/test.ts";

const judge = (sighting: ReturnType<typeof seen>, now: number): Judgement =>
  judgeOwner(sighting, now, defaultTimes);

describe("judgeOwner()", () => {
  it("suspects who is silent, and takes for dead who is not there either, or is silent for too long", () => {
    const sighting = seen(1_000);
    assert.equal(judge(sighting, 3_499), "alive");
    assert.equal(judge(sighting, 3_500), "suspect");
    const gone = { ...sighting, unreachableSince: 3_500 };
    assert.equal(judge(gone, 3_749), "suspect");
    assert.equal(judge(gone, 3_750), "dead");
    assert.equal(judge(sighting, 25_999), "suspect");
    assert.equal(judge(sighting, 26_000), "dead");
  });

  it("does not count the time in which the looker could not tell, and looks afresh behind it", () => {
    const before = { ...seen(0), unreachableSince: 9_000 };
    const after = afterOwnGap(before, 20_000, 8_000);
    assert.equal(judge(after, 20_000), "alive");
    assert.equal(judge(after, 22_500), "suspect");
    assert.equal(judge(after, 32_999), "suspect");
    assert.equal(judge(after, 33_000), "dead");
    // It cannot have beaten in the future.
    assert.equal(afterOwnGap(seen(0), 100, 8_000).beatAt, 100);
  });
});
