import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, inState } from "../support/durable-app.ts";
import { itHolds } from "../support/invariants.ts";
import { readMetrics } from "../support/limit-scene.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

/** Stands still until it is told, but for the wall clock, by which retries are timed. */
function steppedClock() {
  const now = { ms: performance.now() };
  return { now, clock: { monotonic: () => now.ms, wall: Date.now } };
}

describe("more attempts in a minute than may", () => {
  const { now, clock } = steppedClock();

  itHolds(
    "a background one waits and is made later, however few attempts it has; what is connected stays so",
    async (rig) => {
      const broker = await rig.broker(accepts());
      // The bystander has one, and this is the second.
      assert.equal((await rig.open({ id: "first", url: broker.url })).status, 201);
      const request = { url: broker.url, reconnect: { minDelayMs: 50, maxDelayMs: 100, maxAttempts: 1 } };
      const put = await rig.call("PUT", "/connections/second", request, { prefer: "respond-async" });
      assert.equal(put.status, 202);
      const waits = await inState(rig.app, "second", "waiting");
      assert.equal(waits.lastError.code, "attempts-limited");
      assert.equal(waits.lastError.stage, "policy");
      // Again and again, which costs no attempt.
      for (let total = 0; total < 4;) {
        const { body } = await rig.call("GET", "/connections/second");
        total = body.attempts.total;
        assert.notEqual(body.state, "failed");
      }
      assert.equal(broker.peers.length, 1);
      now.ms += 60_000;
      await inState(rig.app, "second", "connected");
      assert.equal((await rig.call("GET", "/connections/first")).body.counters.disconnects, 0);
    },
    { environment: () => ({ CONNACK_MAX_ATTEMPTS_PER_MINUTE: "2" }), overrides: { clock } },
  );

  it("those of a restart are not counted", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const app = await place.start();
    for (const id of ["a", "b", "c"])
      assert.equal((await app.call("PUT", `/connections/${id}`, { url: broker.url })).status, 201);
    await app.stop();
    const again = await place.start({ ...place.environment, CONNACK_MAX_ATTEMPTS_PER_MINUTE: "1" });
    for (const id of ["a", "b", "c"]) await inState(again, id, "connected");
    const metrics = await readMetrics(again);
    assert.equal(metrics.get('connack_attempts_total{outcome="connected"}'), 3);
    assert.equal(metrics.get('connack_limit_used{limit="CONNACK_MAX_ATTEMPTS_PER_MINUTE"}'), 0);
  });
});
