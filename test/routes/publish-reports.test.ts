import assert from "node:assert/strict";
import { Reports } from "../../routes/publish-reports.ts";
import { describe, it } from "../support/test.ts";

function start(onChunk: () => void = () => {}) {
  const ends: boolean[] = [];
  let now = 0;
  const reports = new Reports({
    clock: { wall: () => now, monotonic: () => now },
    writeTimeoutMs: 100,
    onChunk,
    onEnd: (gone) => ends.push(gone),
  });
  const reader = reports.stream.getReader();
  const read = async () => {
    const { done, value } = await reader.read();
    return done ? null : Buffer.from(value).toString();
  };
  return { reports, reader, read, ends, pass: (ms: number) => (now += ms) };
}

describe("Reports", () => {
  it("joins what one turn writes", async () => {
    const { reports, read, ends } = start();
    const first = read();
    reports.write("a\n");
    reports.write("é\n");
    assert.equal(await first, "a\né\n");
    const second = read();
    reports.write("b\n");
    reports.end();
    assert.equal(await second, "b\n");
    assert.equal(await read(), null);
    assert.deepEqual(ends, [false]);
  });

  it("ends when all is taken, not before", async () => {
    const { reports, read, ends } = start();
    assert.equal(await Promise.race([read(), Promise.resolve("nothing yet")]), "nothing yet");
    reports.write("a\n");
    reports.end();
    assert.deepEqual(ends, []);
    assert.equal(await read(), null);
    assert.deepEqual(ends, [false]);
  });

  it("has no room, and says when its reader is to be cut off, until that takes something", async () => {
    const { reports, read, pass } = start();
    // A stream asks for its first chunk in a later microtask.
    await Promise.resolve();
    assert.equal(reports.cutOffAt, null);
    pass(10);
    reports.write("a\n");
    reports.flush();
    assert.equal(reports.cutOffAt, 110);
    reports.write("x".repeat(70_000));
    reports.flush();
    assert.equal(reports.hasRoom, false);
    pass(20);
    assert.equal(await read(), "a\n");
    assert.equal(reports.hasRoom, true);
    assert.equal(reports.cutOffAt, 130);
    await read();
    assert.equal(reports.cutOffAt, null);
  });

  it("a reader who goes while the last chunk is given to it: no error, and one end", async () => {
    const rig = start(() => void rig.reader.cancel());
    await Promise.resolve();
    rig.reports.write("a\n");
    rig.reports.end();
    rig.reports.flush();
    assert.deepEqual(rig.ends, [true]);
    rig.reports.write("b\n");
    rig.reports.flush();
    rig.reports.fail();
    assert.deepEqual(rig.ends, [true]);
  });
});
