import assert from "node:assert/strict";
import * as fc from "fast-check";
import { LastingTime, type TimeMark } from "../src/lasting-time.ts";
import { describe, it } from "./support/test.ts";

const hour = 3_600_000;

/** A clock that is a process old, and what the wall says. */
function clockOf(wall: number, monotonic = 50) {
  const now = { wall, monotonic };
  return { now, clock: { wall: () => now.wall, monotonic: () => now.monotonic } };
}

describe("LastingTime", () => {
  it("begins as the wall clock, and goes on by the monotonic one, however the wall clock is set", () => {
    const { now, clock } = clockOf(1_000 * hour);
    const time = new LastingTime(null, clock);
    assert.equal(time.now(), 1_000 * hour);
    now.monotonic += 5;
    assert.equal(time.now(), 1_000 * hour + 5);
    for (const jump of [24 * hour, -48 * hour, 9_000 * hour]) {
      now.wall += jump;
      assert.equal(time.now(), 1_000 * hour + 5);
    }
    assert.deepEqual(time.mark(), { at: 1_000 * hour + 5, wall: now.wall });
  });

  const away: readonly (readonly [string, number, number])[] = [
    ["nothing", 0, 0],
    ["a second", 1_000, 1_000],
    ["half a day", 12 * hour, 12 * hour],
    ["a day, or the clock was set a day ahead", 24 * hour, 12 * hour],
    ["a year", 8_760 * hour, 12 * hour],
    ["less than nothing: the clock was set an hour back", -hour, 0],
    ["less than nothing by a year", -8_760 * hour, 0],
  ];
  for (const [name, passed, counted] of away) {
    it(`goes on after ${name}`, () => {
      const mark: TimeMark = { at: 500 * hour, wall: 700 * hour };
      const time = new LastingTime(mark, clockOf(700 * hour + passed).clock);
      assert.equal(time.now() - mark.at, counted);
    });
  }

  it("never goes back, through any processes and any settings of the clock", () => {
    const run = fc.record({ away: fc.integer(), up: fc.nat(), set: fc.integer(), more: fc.nat() });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 20 }), (runs) => {
        let wall = 1e12;
        let mark: TimeMark | null = null;
        let last = 0;
        const notBefore = (at: number) => {
          assert.ok(at >= last);
          last = at;
        };
        for (const { away, up, set, more } of runs) {
          wall += away;
          const { now, clock } = clockOf(wall);
          const time: LastingTime = new LastingTime(mark, clock);
          notBefore(time.now());
          now.monotonic += up;
          now.wall += set;
          notBefore(time.now());
          mark = time.mark();
          now.monotonic += more;
          wall = now.wall;
        }
      }),
    );
  });
});
