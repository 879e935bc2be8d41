import assert from "node:assert/strict";
import { IdleTimer } from "../../src/connection/idle-timer.ts";
import { describe, it } from "../support/test.ts";

const now = () => performance.now();

function start(ttlMs: number) {
  const idle = Promise.withResolvers<number>();
  const begun = now();
  const holders = { count: 0 };
  const timer = new IdleTimer(ttlMs, holders, now, () => idle.resolve(now() - begun));
  return { timer, holders, idle: idle.promise, begun };
}

describe("IdleTimer", () => {
  it("fires when nothing has touched it for so long", async () => {
    const ms = await start(40).idle;
    assert.ok(ms >= 39 && ms < 500, `${ms} ms`);
  });

  it("counts from the last touch", async () => {
    const { timer, idle } = start(60);
    await start(40).idle;
    timer.touch();
    const touchedFor = await idle;
    assert.ok(touchedFor >= 99, `${touchedFor} ms`);
  });

  it("does not fire while something holds it, and counts from the release", async () => {
    const { timer, holders, idle, begun } = start(30);
    holders.count = 2;
    assert.equal(timer.expiresAt, null);
    holders.count = 1;
    // Three of its times.
    const first = await Promise.race([start(90).idle.then(() => "other"), idle]);
    assert.equal(first, "other");
    holders.count = 0;
    timer.touch();
    const released = now() - begun;
    assert.ok((await idle) >= released + 29);
  });

  it("fires again when it was touched where it fired", async () => {
    const again = Promise.withResolvers<void>();
    let times = 0;
    const timer = new IdleTimer(20, { count: 0 }, now, () => {
      times += 1;
      if (times === 2) again.resolve();
      else timer.touch();
    });
    await again.promise;
    assert.equal(times, 2);
  });

  it("says when it would fire", () => {
    const { timer } = start(10_000);
    const left = (timer.expiresAt ?? 0) - now();
    assert.ok(left > 9_000 && left <= 10_000, `${left} ms`);
    timer.stop();
  });

  it("never fires when stopped", async () => {
    const { timer, idle } = start(20);
    timer.stop();
    assert.equal(await Promise.race([start(60).idle.then(() => "other"), idle]), "other");
  });

  it("takes times that no timer of the runtime can carry", async () => {
    const { timer, idle } = start(2_592_000_000);
    assert.equal(await Promise.race([start(20).idle.then(() => "other"), idle]), "other");
    timer.stop();
  });
});
