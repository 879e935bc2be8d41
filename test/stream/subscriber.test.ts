import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Entry } from "../../src/stream/log.ts";
import { heartbeatMs, subscribe, writeTimeoutMs, type Line } from "../support/subscriber-rig.ts";
import { describe, it } from "../support/test.ts";

const numbers = (lines: readonly Line[]) => lines.flatMap(({ n }) => (n === undefined ? [] : [n]));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("Subscriber", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 90 }) }),
      fc.constant("read"),
      fc.constant("turn"),
    ),
    { maxLength: 30 },
  );

  it("replays and goes on live without gap or repeat, however appends and reads interleave", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 200 }), steps, async (appended, all) => {
        const rig = subscribe({ appended });
        let total = appended;
        const pending: Promise<readonly Line[] | null>[] = [];
        for (const step of all) {
          if (step === "read") pending.push(rig.read());
          else if (step === "turn") await Promise.resolve();
          else {
            rig.append(step.append);
            total += step.append;
          }
        }
        rig.log.close();
        const before = (await Promise.all(pending)).flatMap((lines) => lines ?? []);
        const lines = [...before, ...(await rig.rest())];
        assert.equal(lines[0]?.type, "open");
        assert.deepEqual(numbers(lines), upTo(total));
        assert.equal(rig.ends(), 1);
      }),
    );
  });

  it("tells a reader that has fallen behind, and ends; never skips silently", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const rig = subscribe({ bounds: { maxEntries: 70, maxBytes: 1_000_000 } });
        const lines: Line[] = [];
        let total = 0;
        for (const step of [{ append: 10 }, ...all]) {
          // Awaited only where something is there to be read.
          if (step === "read" && numbers(lines).length < total && rig.ends() === 0)
            lines.push(...((await rig.read()) ?? []));
          else if (typeof step === "object") {
            rig.append(step.append);
            total += step.append;
          }
        }
        rig.log.close();
        lines.push(...(await rig.rest()));
        const got = numbers(lines);
        assert.deepEqual(got, upTo(got.length));
        const gap = lines.find(({ type }) => type === "gap");
        assert.equal(gap !== undefined, got.length < total, "a gap exactly where something is missing");
        if (gap !== undefined) assert.deepEqual([gap.reason, lines.at(-1)], ["slow-consumer", gap]);
      }),
    );
  });

  it("holds nothing for a reader that takes nothing", async () => {
    const rig = subscribe({ bounds: { maxEntries: 70, maxBytes: 1_000_000 } });
    rig.append(200);
    assert.deepEqual(
      (await rig.rest()).map(({ type }) => type),
      ["open", "gap"],
    );
  });

  it("gives a filtered reader what it wants, and passes over the rest", async () => {
    const rig = subscribe({ appended: 500, wants: ({ type }: Entry) => type === "even" });
    rig.log.close();
    assert.deepEqual(
      numbers(await rig.rest()),
      upTo(250).map((n) => n * 2),
    );
  });

  it("begins with its first frames, and goes on after its position", async () => {
    const rig = subscribe({ appended: 5, after: 3, first: [Buffer.from('{"type":"snapshot"}\n')] });
    rig.log.close();
    assert.deepEqual(
      (await rig.rest()).map(({ type, n }) => n ?? type),
      ["open", "snapshot", 4, 5],
    );
  });

  it("sends a heartbeat when idle, to a reader that takes it, and none when busy", async () => {
    const rig = subscribe();
    await rig.read();
    let next = await rig.begin();
    rig.tick(heartbeatMs - 1);
    rig.append(1);
    assert.deepEqual(numbers((await next.lines) ?? []), [1]);
    next = await rig.begin();
    rig.tick(1);
    rig.tick(heartbeatMs - 1);
    assert.deepEqual(await next.lines, [{ type: "keepalive", at: "1970-01-01T00:00:00.199Z" }]);
  });

  it("cuts off a reader that takes nothing until the write deadline", async () => {
    const rig = subscribe({ appended: 5 });
    rig.tick(writeTimeoutMs - 1);
    assert.equal(rig.ends(), 0);
    rig.tick(1);
    assert.equal(rig.ends(), 1);
    await assert.rejects(() => rig.read());
  });

  it("keeps a reader that takes something before each deadline", async () => {
    const rig = subscribe();
    for (let i = 0; i < 5; i += 1) {
      await rig.read();
      rig.append(1);
      rig.tick(writeTimeoutMs - 1);
    }
    assert.equal(rig.ends(), 0);
  });

  it("says a last word when closed, and hears nothing afterwards", async () => {
    const rig = subscribe({ appended: 1 });
    rig.subscriber.close("shutdown", {});
    rig.subscriber.close("shutdown", {});
    rig.subscriber.fail();
    rig.append(1);
    rig.tick(writeTimeoutMs * 2);
    assert.deepEqual(
      (await rig.rest()).map(({ type }) => type),
      ["open", "shutdown"],
    );
    assert.equal(rig.ends(), 1);
  });

  it("ends once when its reader goes", async () => {
    const rig = subscribe();
    await rig.cancel();
    rig.append(3);
    rig.tick(writeTimeoutMs * 2);
    rig.log.close();
    assert.equal(rig.ends(), 1);
  });
});
