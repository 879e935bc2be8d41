import assert from "node:assert/strict";
import * as fc from "fast-check";
import { OrderedLog, type Entry, type LogBounds } from "../../src/stream/log.ts";
import { describe, it } from "../support/test.ts";

interface TestEntry extends Entry {
  readonly topic: string;
}

/** What a log is, in a form that is plainly right: all that was appended, of which the last few are kept. */
class Model {
  readonly #bounds: LogBounds;
  kept: TestEntry[] = [];
  gone = 0;

  constructor(bounds: LogBounds) {
    this.#bounds = bounds;
  }

  append(entry: TestEntry): void {
    this.kept.push(entry);
    while (
      this.kept.length > this.#bounds.maxEntries ||
      (this.#bytes > this.#bounds.maxBytes && this.kept.length > 1)
    )
      this.gone = this.kept.shift()?.sequence ?? 0;
  }

  get #bytes(): number {
    return this.kept.reduce((sum, { json }) => sum + json.length, 0);
  }

  readAfter(position: number, limit: number): TestEntry[] | null {
    if (position < this.gone) return null;
    return this.kept.filter(({ sequence }) => sequence > position).slice(0, limit);
  }

  resumes(sequence: number): boolean {
    return sequence === this.gone || this.kept.some((entry) => entry.sequence === sequence);
  }
}

const run = fc.record({
  bounds: fc.record({
    maxEntries: fc.integer({ min: 1, max: 60 }),
    maxBytes: fc.integer({ min: 1, max: 2_000 }),
  }),
  // Sequence numbers are shared by many logs, so that there are holes in each.
  appends: fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 200 })), { maxLength: 250 }),
});

describe("OrderedLog", () => {
  it("keeps, reads and resumes as a plain list would, whatever was appended", () => {
    fc.assert(
      fc.property(run, ({ bounds, appends }) => {
        const log = new OrderedLog<TestEntry>("e", bounds);
        const model = new Model(bounds);
        let sequence = 0;
        for (const [step, bytes] of appends) {
          sequence += step;
          const entry = { sequence, type: "t", topic: `t/${sequence}`, json: "x".repeat(bytes) };
          log.append(entry);
          model.append(entry);
        }
        assert.equal(log.size, model.kept.length);
        assert.equal(log.tail, sequence);
        assert.equal(log.beginning, model.gone);
        const oldest = model.kept[0]?.sequence;
        for (let position = 0; position <= sequence + 2; position += 1) {
          for (const limit of [1, 7, 1_000])
            assert.deepEqual(log.readAfter(position, limit), model.readAfter(position, limit));
          const resumption = log.resume(log.idOf(position));
          if (model.resumes(position)) {
            assert.deepEqual(resumption, { ok: true, after: position });
            continue;
          }
          const reason = position < (oldest ?? model.gone) ? "expired" : "unknown";
          assert.deepEqual(resumption, {
            ok: false,
            reason,
            oldest: oldest === undefined ? null : `e-${oldest}`,
          });
        }
      }),
      { numRuns: 200 },
    );
  });

  it("reads all by steps of any size, without gap or repeat, while entries come and none go", () => {
    const steps = fc.array(
      fc.oneof(fc.record({ append: fc.nat(20) }), fc.record({ read: fc.integer({ min: 1, max: 30 }) })),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const log = new OrderedLog("e", { maxEntries: 10_000, maxBytes: 10_000_000 });
        const read: number[] = [];
        let appended = 0;
        let position = 0;
        for (const step of [...all, { read: 10_000 }]) {
          if ("append" in step) {
            for (let i = 0; i < step.append; i += 1)
              log.append({ sequence: (appended += 1), type: "t", json: "{}" });
            continue;
          }
          const entries = log.readAfter(position, step.read) ?? [];
          position = entries.at(-1)?.sequence ?? position;
          read.push(...entries.map(({ sequence }) => sequence));
        }
        assert.deepEqual(
          read,
          Array.from({ length: appended }, (_, i) => i + 1),
        );
      }),
    );
  });

  it("takes any text for an id, and resumes only after its own", () => {
    const log = new OrderedLog("epoch", { maxEntries: 5, maxBytes: 1_000 });
    log.append({ sequence: 3, type: "t", json: "{}" });
    assert.deepEqual(log.resume("epoch-3"), { ok: true, after: 3 });
    assert.deepEqual(log.resume("other-3"), { ok: false, reason: "restarted", oldest: "epoch-3" });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (id) => {
        const resumption = log.resume(id);
        assert.ok(!resumption.ok && resumption.oldest === "epoch-3");
      }),
    );
    for (const id of [
      "epoch-",
      "-3",
      "epoch-3 ",
      "epoch--3",
      "epoch-3e0",
      "epoch-9999999999999999",
      "epoch-0x3",
    ])
      assert.equal(log.resume(id).ok, false, id);
  });

  it("keeps the newest entry, whatever the bounds", () => {
    const log = new OrderedLog("e", { maxEntries: 1, maxBytes: 1 });
    for (const sequence of [1, 2]) log.append({ sequence, type: "t", json: "{}" });
    assert.deepEqual(log.readAfter(1, 10), [{ sequence: 2, type: "t", json: "{}" }]);
    assert.equal(log.readAfter(0, 10), null);
  });

  it("readAfter() finds its place however unevenly sequence numbers grow", () => {
    const gaps = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1_000_000 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        gaps,
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1.1, noNaN: true }),
        (all, most, at) => {
          const log = new OrderedLog("e", { maxEntries: most, maxBytes: 1_000_000 });
          const sequences: number[] = [];
          for (const gap of all) {
            const sequence = (sequences.at(-1) ?? 0) + gap;
            sequences.push(sequence);
            log.append({ sequence, type: "t", json: "{}" });
          }
          const kept = sequences.slice(-most);
          const tail = sequences.at(-1) ?? 0;
          for (const position of [Math.floor(at * tail), ...kept, ...kept.map((each) => each - 1)]) {
            const found = log.readAfter(position, 1_000)?.map(({ sequence }) => sequence) ?? null;
            const wanted = position < log.beginning ? null : kept.filter((each) => each > position);
            assert.deepEqual(found, wanted);
          }
        },
      ),
    );
  });
});
