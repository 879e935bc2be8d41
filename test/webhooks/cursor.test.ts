import assert from "node:assert/strict";
import { OrderedLog } from "../../src/stream/log.ts";
import { Cursor } from "../../src/webhooks/cursor.ts";
import { describe, it } from "../support/test.ts";

const all = () => true;
const even = ({ sequence }: { sequence: number }) => sequence % 2 === 0;

function logOf(maxEntries: number, epoch = "e"): OrderedLog & { add(...numbers: number[]): void } {
  const log = new OrderedLog(epoch, { maxEntries, maxBytes: 1_000_000 });
  const add = (...numbers: number[]) => {
    for (const sequence of numbers) log.append({ sequence, type: "tick", json: "{}" });
  };
  return Object.assign(log, { add });
}

/** What comes, up to `most` steps: numbers for entries, and `requested>oldest reason` for gaps. */
function take(cursor: Cursor, most = 100): (number | string)[] {
  const taken: (number | string)[] = [];
  while (taken.length < most) {
    const step = cursor.next();
    if (step.type === "ended") return [...taken, "ended"];
    if (step.type === "idle") return taken;
    taken.push(
      step.type === "entry"
        ? step.entry.sequence
        : `${step.gap.requested}>${step.gap.oldest} ${step.gap.reason}`,
    );
    cursor.pass();
  }
  return taken;
}

describe("Cursor", () => {
  it("reads all that is wanted, in order, and once", () => {
    const log = logOf(100);
    const cursor = new Cursor(log, null, even);
    log.add(1, 2, 3, 4);
    assert.deepEqual(take(cursor), [2, 4]);
    assert.deepEqual(take(cursor), []);
    log.add(5, 6);
    assert.deepEqual(take(cursor), [6]);
    log.close();
    assert.deepEqual(take(cursor), ["ended"]);
  });

  it("gives the same step until it has passed", () => {
    const log = logOf(1);
    const cursor = new Cursor(log, null, all);
    log.add(1);
    const first = cursor.next();
    log.add(2, 3);
    assert.equal(cursor.next(), first);
    assert.deepEqual(take(cursor), [1, "e-1>e-3 expired", 3]);
  });

  it("goes on after the id that was kept", () => {
    const log = logOf(100);
    log.add(1, 2, 3);
    const cursor = new Cursor(log, "e-2", all);
    assert.equal(cursor.id, "e-2");
    assert.deepEqual(take(cursor), [3]);
    assert.equal(cursor.id, "e-3");
  });

  it("tells of what it missed, and keeps the place before it until that is told", () => {
    const log = logOf(2);
    log.add(1, 2, 3, 4);
    const cursor = new Cursor(log, "e-1", all);
    cursor.next();
    assert.equal(cursor.id, "e-1");
    assert.deepEqual(take(cursor, 1), ["e-1>e-3 expired"]);
    assert.equal(cursor.id, "e-2");
    assert.deepEqual(log.resume(cursor.id).ok, true);
    assert.deepEqual(take(cursor), [3, 4]);
  });

  it("tells of a log that did not survive, and of one whose beginning is gone", () => {
    const log = logOf(2, "new");
    assert.deepEqual(take(new Cursor(log, "old-7", all)), ["old-7>null restarted"]);
    log.add(1, 2, 3);
    assert.deepEqual(take(new Cursor(log, null, all)), ["new-0>new-2 expired", 2, 3]);
  });

  it("comes on by an entry with each gap, however fast the log is", () => {
    const log = logOf(2);
    const cursor = new Cursor(log, null, all);
    const seen: (number | string)[] = [];
    for (let n = 1; n <= 20; n += 1) {
      log.add(n * 10 + 1, n * 10 + 2, n * 10 + 3);
      seen.push(...take(cursor, 1));
    }
    const numbers = seen.filter((each) => typeof each === "number");
    assert.ok(numbers.length >= 9, seen.join(", "));
  });

  it("goes past a gap to the first entry that is wanted", () => {
    const log = logOf(3);
    const cursor = new Cursor(log, null, even);
    log.add(1, 3, 5, 7, 9);
    assert.deepEqual(take(cursor), ["e-0>e-5 expired"]);
    log.add(10);
    assert.deepEqual(take(cursor), [10]);
  });

  it("reads a log to its end before that of the connection that took its place", () => {
    const [old, young] = [logOf(10, "a"), logOf(10, "b")];
    old.add(1);
    const cursor = new Cursor(old, null, all);
    cursor.follow(young);
    young.add(1);
    old.add(2);
    assert.equal(cursor.orphaned, false);
    assert.deepEqual(take(cursor), [1, 2]);
    old.close();
    assert.deepEqual(take(cursor), [1]);
    assert.equal(cursor.log, young);
    assert.equal(cursor.id, "b-1");
    young.close();
    assert.equal(cursor.orphaned, true);
    assert.deepEqual(take(cursor), ["ended"]);
  });

  it("reads a log once that goes over to the next connection", () => {
    const [old, young] = [logOf(10, "a"), logOf(10, "b")];
    const cursor = new Cursor(old, null, all);
    for (const log of [old, young, young]) cursor.follow(log);
    old.add(1);
    old.close();
    young.add(1);
    young.close();
    assert.deepEqual(take(cursor), [1, 1, "ended"]);
  });

  it("keeps no more than two logs waiting, and tells of those that were left out", () => {
    const logs = ["a", "b", "c", "d", "e"].map((epoch) => logOf(10, epoch));
    const cursor = new Cursor(logs[0]!, null, all);
    for (const log of logs) {
      log.add(1);
      log.close();
      if (log !== logs[0]) cursor.follow(log);
    }
    assert.equal(cursor.left, 3);
    assert.deepEqual(take(cursor), [1, "a-1>d-1 expired", 1, 1, "ended"]);
  });

  it("looks again when other entries are wanted, from the last one that has passed", () => {
    const log = logOf(10);
    let wants = even;
    const cursor = new Cursor(log, null, (entry) => wants(entry));
    log.add(1, 2, 3);
    assert.equal(cursor.next().type, "entry");
    wants = ({ sequence }) => sequence === 3;
    cursor.refresh();
    assert.deepEqual(take(cursor), [3]);
  });
});
