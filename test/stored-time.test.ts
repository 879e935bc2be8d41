import assert from "node:assert/strict";
import { StoredTime } from "../src/stored-time.ts";
import type { Change } from "../src/store/store.ts";
import { ControlledStore } from "./support/controlled-store.ts";
import { describe, it } from "./support/test.ts";

const hour = 3_600_000;

/** A machine with a store, on which processes come and go. */
function machine() {
  const store = new ControlledStore("e");
  const now = { wall: 1_000 * hour, monotonic: 0 };
  const clock = { wall: () => now.wall, monotonic: () => now.monotonic };
  const start = () => {
    now.monotonic = 3;
    return StoredTime.read(store, clock);
  };
  const keep = async (changes: readonly Change[]) => store.commit(await store.acquire(), changes);
  const advance = (ms: number) => {
    now.wall += ms;
    now.monotonic += ms;
  };
  return { now, start, keep, advance };
}

describe("StoredTime", () => {
  it("is noted at first, and then every ten seconds at most", async () => {
    const { start, advance } = machine();
    const time = await start();
    assert.equal(time.note().length, 1);
    for (let second = 1; second < 10; second += 1) {
      advance(1_000);
      assert.deepEqual(time.note(), [], `after ${second} s`);
    }
    advance(1_000);
    assert.equal(time.note().length, 1);
    assert.deepEqual(time.note(), []);
    assert.equal(time.noteNow().length, 1);
  });

  for (const [name, jump] of [
    ["a day ahead", 24 * hour],
    ["an hour back", -hour],
    ["a second ahead", 1_000],
  ] as const) {
    it(`is noted at once, and once, when the clock was set ${name}`, async () => {
      const { now, start, keep, advance } = machine();
      const time = await start();
      time.note();
      advance(1);
      assert.deepEqual(time.note(), []);
      now.wall += jump;
      await keep(time.note());
      assert.deepEqual(time.note(), []);
      const before = time.now();
      advance(5);
      assert.equal((await start()).now(), before + 5);
    });
  }

  it("takes what it cannot read for nothing", async () => {
    const { now, start, keep } = machine();
    for (const value of ["", "{", "null", '{"at":1}', '{"at":"1","wall":2}']) {
      await keep([{ type: "put", space: "time", key: "mark", value }]);
      assert.equal((await start()).now(), now.wall, value);
    }
  });
});
