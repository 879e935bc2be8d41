import assert from "node:assert/strict";
import * as fc from "fast-check";
import { FrameCache, type StreamFormat } from "../../src/stream/frame.ts";
import { OrderedLog, type Entry } from "../../src/stream/log.ts";
import { Subscriber } from "../../src/stream/subscriber.ts";
import { describe, it } from "../support/test.ts";

const clock = { wall: () => 0, monotonic: () => 0 };

function rig(bounds = { maxEntries: 100_000, maxBytes: 100_000_000 }) {
  const log = new OrderedLog("e", bounds);
  const frames = new FrameCache();
  let sequence = 0;
  const append = (count: number) => {
    for (let i = 0; i < count; i += 1) {
      sequence += 1;
      log.append({ sequence, type: "t", json: JSON.stringify({ n: sequence }) });
    }
  };
  const open = (format: StreamFormat, after = 0, wants?: (entry: Entry) => boolean) => {
    const options = { log, frames, format, after, first: [], wants, writeTimeoutMs: 1_000, clock };
    return new Subscriber({ ...options, isStopping: () => false, onEnd: () => {} }).stream.getReader();
  };
  return { log, frames, append, open };
}

const textOf = (chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString();
const ids = (text: string) => [...text.matchAll(/^(?:id: e-|\{"n":)(\d+)/gm)].map(([, n]) => Number(n));
const range = (from: number, through: number) =>
  Array.from({ length: through - from + 1 }, (_, i) => from + i);

describe("FrameCache.batchAfter()", () => {
  it("gives readers in the same place the same bytes, and one that is behind its own", () => {
    const { log, frames, append } = rig();
    append(3);
    const batch = frames.batchAfter(log, 0, "sse");
    assert.equal(batch?.through, 3);
    assert.equal(frames.batchAfter(log, 0, "sse"), batch);
    const behind = frames.batchAfter(log, 2, "sse");
    assert.deepEqual([behind?.through, ids(textOf([behind?.bytes ?? Buffer.of()]))], [3, [3]]);
    assert.equal(textOf([frames.batchAfter(log, 1, "ndjson")?.bytes ?? Buffer.of()]), '{"n":2}\n{"n":3}\n');
  });

  it("keeps logs and formats apart", () => {
    const { log, frames, append } = rig();
    const other = new OrderedLog("e", { maxEntries: 10, maxBytes: 1_000 });
    other.append({ sequence: 7, type: "t", json: '{"n":7}' });
    append(1);
    assert.equal(frames.batchAfter(log, 0, "sse")?.through, 1);
    assert.equal(frames.batchAfter(other, 0, "sse")?.through, 7);
    assert.equal(textOf([frames.batchAfter(other, 0, "ndjson")?.bytes ?? Buffer.of()]), '{"n":7}\n');
  });

  it("is null where entries are gone", () => {
    const { log, frames, append } = rig({ maxEntries: 2, maxBytes: 1_000 });
    append(5);
    assert.equal(frames.batchAfter(log, 2, "sse"), null);
    assert.equal(frames.batchAfter(log, 3, "sse")?.through, 5);
  });

  it("is bounded by bytes, but for an entry that is larger", () => {
    const log = new OrderedLog("e", { maxEntries: 100, maxBytes: 10_000_000 });
    const frames = new FrameCache();
    for (const [index, size] of [100_000, 100_000, 100_000, 900_000, 5].entries())
      log.append({ sequence: index + 1, type: "t", json: JSON.stringify("x".repeat(size)) });
    const through: number[] = [];
    for (let at = 0; at !== log.tail; through.push(at))
      at = frames.batchAfter(log, at, "ndjson")?.through ?? log.tail;
    assert.deepEqual(through, [2, 3, 4, 5]);
  });
});

describe("Subscribers of one log", () => {
  it("get the same bytes from one encoding", async () => {
    const { append, open } = rig();
    const readers = [open("sse"), open("sse"), open("sse")];
    await Promise.all(readers.map((reader) => reader.read()));
    const reads = readers.map((reader) => reader.read());
    append(100);
    const [first, ...others] = (await Promise.all(reads)).map(({ value }) => value);
    assert.deepEqual(ids(textOf([first ?? Buffer.of()])), range(1, 100));
    for (const other of others) assert.equal(other, first);
  });

  const reader = fc.record({
    format: fc.constantFrom<StreamFormat>("sse", "ndjson"),
    after: fc.nat({ max: 20 }),
    every: fc.constantFrom(1, 1, 3),
  });
  const step = fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ read: fc.nat({ max: 5 }) }),
    fc.constant("turn"),
    fc.constant("microtask"),
  );

  it("each get all once and in order, however appends, reads and turns interleave", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(reader, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 40 }),
        async (readers, steps) => {
          const { log, append, open } = rig();
          append(20);
          let total = 20;
          const streams = readers.map(({ format, after, every }) => {
            const wants = every === 1 ? undefined : ({ sequence }: Entry) => sequence % every === 0;
            const reads: Promise<{ readonly value?: Uint8Array | undefined }>[] = [];
            return { stream: open(format, after, wants), reads };
          });
          for (const each of steps) {
            if (each === "turn") await new Promise(setImmediate);
            else if (each === "microtask") await Promise.resolve();
            else if ("append" in each) {
              append(each.append);
              total += each.append;
            } else {
              const one = streams[each.read % streams.length];
              one?.reads.push(one.stream.read());
            }
          }
          log.close();
          for (const [index, { stream, reads }] of streams.entries()) {
            const { after = 0, every = 1 } = readers[index] ?? {};
            for (let last = await stream.read(); !last.done; last = await stream.read())
              reads.push(Promise.resolve(last));
            const chunks = (await Promise.all(reads)).flatMap(({ value }) => value ?? []);
            assert.deepEqual(
              ids(textOf(chunks)),
              range(after + 1, total).filter((n) => n % every === 0),
            );
          }
        },
      ),
    );
  });
});
