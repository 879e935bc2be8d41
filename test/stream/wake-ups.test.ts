import assert from "node:assert/strict";
import { OrderedLog } from "../../src/stream/log.ts";
import { describe, it } from "../support/test.ts";

/** A log, and what its listener heard: why, and where the log was then. */
function rig(maxEntries: number, maxBytes = 1_000_000) {
  const log = new OrderedLog("e", { maxEntries, maxBytes });
  const heard: string[] = [];
  let sequence = 0;
  const append = (count: number, bytes = 2) => {
    for (let i = 0; i < count; i += 1)
      log.append({ sequence: (sequence += 1), type: "t", json: "x".repeat(bytes) });
  };
  const stop = log.listen((cause) => heard.push(`${cause} ${log.tail}${log.closed ? " closed" : ""}`));
  return { log, heard, append, stop };
}

const turn = () => new Promise(setImmediate);

describe("OrderedLog.listen()", () => {
  it("calls once for all that came in a turn, after it; and not without something", async () => {
    const { heard, append } = rig(1_000);
    append(3);
    append(4);
    assert.deepEqual(heard, []);
    await turn();
    assert.deepEqual(heard, ["turn 7"]);
    await turn();
    append(1);
    await turn();
    assert.deepEqual(heard, ["turn 7", "turn 8"]);
  });

  it("calls at once when half of the entries that are kept are new, and for the rest after the turn", async () => {
    const { heard, append } = rig(10);
    append(12);
    assert.deepEqual(heard, ["burst 5", "burst 10"]);
    await turn();
    assert.deepEqual(heard.slice(2), ["turn 12"]);
  });

  it("calls at once when half of the bytes that are kept are new", async () => {
    const { heard, append } = rig(1_000, 100);
    append(3, 20);
    await turn();
    assert.deepEqual(heard, ["burst 3"]);
  });

  it("calls before an entry pushes out what came in the same turn", () => {
    const { log, append } = rig(1_000, 100);
    const seen: unknown[] = [];
    let position = 0;
    log.listen(() => {
      const entries = log.readAfter(position, 10);
      position = log.tail;
      seen.push(entries?.map(({ sequence }) => sequence));
    });
    append(1, 40);
    append(1, 90);
    assert.deepEqual(seen, [[1], [2]]);
  });

  it("calls for each entry of a log of one", () => {
    const { heard, append } = rig(1);
    append(2);
    assert.deepEqual(heard, ["burst 1", "burst 2"]);
  });

  it("calls at once on close, and not again for what came before", async () => {
    const { log, heard, append } = rig(1_000);
    append(2);
    log.close();
    assert.deepEqual(heard, ["turn 2 closed"]);
    await turn();
    assert.equal(heard.length, 1);
  });

  it("no longer calls who stopped, also for what came before", async () => {
    const { heard, append, stop } = rig(1_000);
    append(2);
    stop();
    append(2_000);
    await turn();
    assert.deepEqual(heard, []);
  });

  it("does not count for the next listener what came before it", async () => {
    const { log, heard, append, stop } = rig(10);
    append(4);
    stop();
    append(4);
    log.listen((cause) => heard.push(cause));
    append(4);
    assert.deepEqual(heard, []);
    await turn();
    assert.deepEqual(heard, ["turn"]);
  });

  it("schedules nothing while nobody listens, and one call a turn else", () => {
    const real = globalThis.setImmediate;
    let scheduled = 0;
    const counting = (call: () => void) => {
      scheduled += 1;
      return real(call);
    };
    globalThis.setImmediate = counting as typeof setImmediate;
    try {
      const { append, stop } = rig(1_000);
      append(5);
      assert.equal(scheduled, 1);
      stop();
      append(5);
      new OrderedLog("e", { maxEntries: 5, maxBytes: 100 }).append({ sequence: 1, type: "t", json: "{}" });
      assert.equal(scheduled, 1);
    } finally {
      globalThis.setImmediate = real;
    }
  });
});
