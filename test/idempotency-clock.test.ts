import assert from "node:assert/strict";
import { answer, begin, day, hour, kinds, machine, space } from "./support/idempotency-machine.ts";
import { describe, it } from "./support/test.ts";

describe("IdempotencyKeys across restarts (S67)", () => {
  it("keeps for a day, and not longer, processes coming and going", async () => {
    const { store, start, advance } = machine();
    await begin(await start(), "k").finish(answer);
    for (let hours = 0; hours < 24; hours += 2) {
      const keys = await start();
      advance(hour);
      assert.equal(kinds(keys, "k"), "replay", `after ${hours} h`);
      advance(hour);
    }
    advance(1);
    const keys = await start();
    assert.deepEqual(await store.keys(space), []);
    begin(keys, "k");
  });

  it("expires while it runs at the age that it had before", async () => {
    const { start, advance } = machine();
    await begin(await start(), "k").finish(answer);
    advance(10 * hour);
    const keys = await start();
    advance(14 * hour);
    assert.equal(kinds(keys, "k"), "replay");
    advance(1);
    begin(keys, "k");
  });

  it("counts from the claim, however long the call took", async () => {
    const { start, advance } = machine();
    const claim = begin(await start(), "k");
    advance(14 * hour);
    await claim.finish(answer);
    advance(10 * hour);
    assert.equal(kinds(await start(), "k"), "replay");
    advance(1);
    begin(await start(), "k");
  });

  it("does not expire all at once when the clock was set a day ahead, running or not", async () => {
    const { now, start, advance } = machine();
    const before = await start();
    await begin(before, "a").finish(answer);
    now.wall += day;
    assert.equal(kinds(before, "a"), "replay");
    await begin(before, "b").finish(answer);
    // What is known of the time by then: that the clock was set.
    const after = await start();
    assert.equal(kinds(after, "a", "b"), "replay replay");
    advance(day - hour);
    assert.equal(kinds(after, "a", "b"), "replay replay");
    advance(hour + 1);
    begin(after, "a");
    await begin(after, "c").finish(answer);
    // And what is not: whether the clock was set, or nobody was there.
    now.wall += day + hour;
    assert.equal(kinds(await start(), "c"), "replay");
  });

  it("does not expire all at once when the clock was set ahead after the last answer, and it stopped", async () => {
    const { now, start } = machine();
    const before = await start();
    await begin(before, "k").finish(answer);
    now.wall += day;
    await before.flush();
    const after = await start();
    assert.equal(kinds(after, "k"), "replay");
    // Not half a day older either.
    now.monotonic += day;
    assert.equal(kinds(after, "k"), "replay");
  });

  it("gets no younger when the clock was set back while nobody was there", async () => {
    const { now, start, advance } = machine();
    const before = await start();
    await begin(before, "k").finish(answer);
    advance(9_000);
    await before.flush();
    now.wall -= hour;
    const after = await start();
    advance(day - 9_000);
    assert.equal(kinds(after, "k"), "replay");
    advance(1);
    begin(after, "k");
  });

  it("has one mark of the time in the store, which is the one of all", async () => {
    const { store, start } = machine();
    const keys = await start();
    await begin(keys, "k").finish(answer);
    await keys.flush();
    const spaces = store.commits.flatMap((changes) =>
      changes.flatMap((change) => ("space" in change && change.space !== space ? [change.space] : [])),
    );
    assert.deepEqual([...new Set(spaces)], ["time"]);
  });

  it("does not keep for ever when the clock was set back", async () => {
    const { store, now, start, advance } = machine();
    const before = await start();
    await begin(before, "k").finish(answer);
    now.wall -= 365 * day;
    assert.equal(kinds(before, "k"), "replay");
    assert.equal(kinds(await start(), "k"), "replay");
    for (let hours = 0; hours < 24; hours += 1) {
      advance(hour);
      assert.deepEqual(await store.keys(space), ["k"], `after ${hours} h`);
      await start();
    }
    advance(hour);
    await start();
    assert.deepEqual(await store.keys(space), []);
  });
});
