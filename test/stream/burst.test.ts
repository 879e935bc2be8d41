import assert from "node:assert/strict";
import type { Entry } from "../../src/stream/log.ts";
import { subscribe, type Line } from "../support/subscriber-rig.ts";
import { describe, it } from "../support/test.ts";

const numbers = (lines: readonly Line[]) => lines.flatMap(({ n }) => (n === undefined ? [] : [n]));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const small = { maxEntries: 70, maxBytes: 1_000_000 };

describe("Subscriber, in a burst", () => {
  it("writes what came in one turn at once", async () => {
    const rig = subscribe();
    await rig.read();
    const next = await rig.begin();
    rig.append(1_000);
    assert.deepEqual(numbers((await next.lines) ?? []), upTo(1_000));
  });

  it("gives a reader that takes all it gets all that came, though the log keeps a fraction of it", async () => {
    const rig = subscribe({ bounds: small });
    await rig.read();
    const next = await rig.begin();
    rig.append(2_000);
    rig.log.close();
    const lines = [...((await next.lines) ?? []), ...(await rig.rest())];
    assert.deepEqual(numbers(lines), upTo(2_000));
    assert.ok(lines.every(({ type }) => type !== "gap"));
  });

  it("does so though the reader has not yet taken what came just before", async () => {
    const rig = subscribe({ bounds: small });
    await rig.read();
    const next = await rig.begin();
    rig.append(1);
    await new Promise(setImmediate);
    await next.lines;
    rig.append(1);
    await new Promise(setImmediate);
    rig.append(500);
    rig.log.close();
    assert.deepEqual(numbers(await rig.rest()), upTo(502).slice(1));
  });

  it("holds no more than so many bytes for a reader that takes nothing more, and tells it", async () => {
    const rig = subscribe({ bounds: small });
    await rig.read();
    rig.append(200_000);
    const lines = await rig.rest();
    const count = numbers(lines).length;
    assert.deepEqual(numbers(lines), upTo(count));
    const bytes = lines.slice(0, -1).reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0);
    assert.ok(bytes >= 1_048_576 && bytes < 1_048_576 + 70 * 50, `${bytes} bytes`);
    assert.deepEqual([lines.at(-1)?.type, lines.at(-1)?.reason], ["gap", "slow-consumer"]);
  });

  it("writes what came in the turn before its last word", async () => {
    const rig = subscribe();
    await rig.read();
    const next = await rig.begin();
    rig.append(1);
    rig.subscriber.close("shutdown", {});
    const lines = [...((await next.lines) ?? []), ...(await rig.rest())];
    assert.deepEqual(
      lines.map(({ type, n }) => n ?? type),
      [1, "shutdown"],
    );
  });

  it("looks through no more than some thousand entries a turn for a wanted one, and goes on", async () => {
    const looked: number[] = [];
    const wants = ({ sequence }: Entry) => looked.push(sequence) === 10_000;
    const rig = subscribe({ appended: 10_000, wants });
    await rig.read();
    const next = rig.read();
    const turns: number[] = [];
    while (looked.length < 10_000) {
      const before = looked.length;
      await new Promise(setImmediate);
      turns.push(looked.length - before);
    }
    assert.deepEqual(numbers((await next) ?? []), [10_000]);
    assert.ok(turns.length >= 2 && Math.max(...turns) <= 4_096, turns.join());
  });

  it("looks no further when its reader goes", async () => {
    let looked = 0;
    const rig = subscribe({ appended: 10_000, wants: () => (looked += 1) < 0 });
    await rig.read();
    void rig.read();
    await Promise.resolve();
    await rig.cancel();
    const before = looked;
    await new Promise(setImmediate);
    assert.ok(before > 0 && looked === before, `${before}, then ${looked}`);
    assert.equal(rig.ends(), 1);
  });
});
