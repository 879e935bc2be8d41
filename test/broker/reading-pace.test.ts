import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { ReadingPace } from "../../src/broker/reading-pace.ts";
import { describe, it } from "../support/test.ts";

const chunk = 1_000;

/** Writes so many chunks, numbered, as fast as they go, to a stream that a pace reads. */
function start(chunks: number, bytesPerSecond: number, sink: Writable) {
  const source = new PassThrough({ highWaterMark: chunk });
  let pauses = 0;
  const pace = new ReadingPace(source, {
    bytesPerSecond,
    now: () => performance.now(),
    onPause: () => (pauses += 1),
  });
  source.pipe(sink);
  for (let n = 0; n < chunks; n += 1) source.write(Buffer.alloc(chunk, n));
  source.end();
  return { source, pace, pauses: () => pauses };
}

describe("ReadingPace", () => {
  it("reads all, in order, in no less time than its bytes have", async () => {
    const order: number[] = [];
    const write = (bytes: Buffer, _: unknown, done: () => void) => {
      order.push(bytes[0] ?? -1);
      setImmediate(done);
    };
    const sink = new Writable({ highWaterMark: 1, write });
    const began = performance.now();
    const { pauses } = start(60, 40_000, sink);
    await finished(sink);
    const ms = performance.now() - began;
    assert.deepEqual(
      order,
      Array.from({ length: 60 }, (_, n) => n),
    );
    // 20,000 bytes more than the burst has.
    assert.ok(ms >= 450 && ms < 2_000, `${ms} ms`);
    assert.ok(pauses() >= 2);
  });

  it("does not push on a reader that has no room", async () => {
    let release = () => {};
    let taken = 0;
    const first = Promise.withResolvers<void>();
    const write = (_: Buffer, __: unknown, done: () => void) => {
      taken += 1;
      release = done;
      first.resolve();
    };
    const sink = new Writable({ highWaterMark: 1, write });
    const { source, pace } = start(20, 500, sink);
    pace.keepAlive = 0.2;
    await first.promise;
    // That it does not push has no event; several pauses of another one, as long as these, have.
    const free = new Writable({ highWaterMark: 1, write: (_, __, next) => void setImmediate(next) });
    const other = start(8, 500, free);
    other.pace.keepAlive = 0.2;
    await finished(free);
    assert.ok(other.pauses() >= 5, `${other.pauses()} pauses`);
    assert.equal(taken, 1);
    assert.ok(sink.writableLength <= 3 * chunk, `${sink.writableLength} bytes`);
    release();
    source.destroy();
    sink.destroy();
  });

  it("pauses for no more than a quarter of keep alive", async () => {
    const sink = new Writable({ highWaterMark: 1, write: (_, __, done) => void setImmediate(done) });
    const { source, pace, pauses } = start(6, 1_000, sink);
    pace.keepAlive = 1;
    const began = performance.now();
    await finished(sink);
    const ms = performance.now() - began;
    assert.ok(pauses() >= 3, `${pauses()} pauses`);
    assert.ok(ms < 2_500, `${ms} ms`);
    source.destroy();
  });
});
