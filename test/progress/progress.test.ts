import assert from "node:assert/strict";
import { ProgressBoard } from "../../src/progress/board.ts";
import { secondsLeft, type ProgressReport } from "../../src/progress/progress.ts";
import { describe, it } from "../support/test.ts";

const restore = (done: number, total = 100): ProgressReport => ({ task: "restore", done, total });

describe("secondsLeft()", () => {
  for (const [what, report, tookMs, expected] of [
    ["what is left takes as long as what is done", restore(25), 10_000, 30],
    ["part of a second is one", restore(99), 1_000, 1],
    ["nothing is done yet: as long again", restore(0), 7_000, 7],
    ["there is nothing to count: as long again", { task: "store", why: "unclean" }, 2_500, 3],
    ["never longer than a minute", restore(1), 30_000, 60],
    ["all is done", restore(100), 30_000, 1],
  ] as const)
    it(what, () => assert.equal(secondsLeft({ report, startedAt: 500 }, 500 + tookMs), expected));

  it("is a second while nothing is under way", () => assert.equal(secondsLeft(null, 0), 1));
});

describe("ProgressBoard", () => {
  it("goes on with a task since its beginning, and begins with another one", () => {
    let now = 0;
    const board = new ProgressBoard(() => now);
    assert.equal(board.progress, null);
    board.report(restore(0));
    now = 3_000;
    board.report(restore(50));
    assert.deepEqual(board.progress, { task: "restore", done: 50, total: 100 });
    assert.equal(board.underway?.startedAt, 0);
    board.report({ task: "dial", done: 0, total: 7 });
    assert.equal(board.underway?.startedAt, 3_000);
  });

  it("is told of the end of the task that is under way, and of no other's", () => {
    let changes = 0;
    const board = new ProgressBoard(() => 0);
    board.watch(() => (changes += 1));
    board.report({ task: "store", why: "in-use" });
    board.finish("migration");
    assert.deepEqual(board.progress, { task: "store", done: 0, total: 1 });
    board.finish("store");
    assert.equal(board.progress, null);
    assert.equal(changes, 2);
  });
});
