import assert from "node:assert/strict";
import type { Clock } from "../../src/clock.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, inState } from "../support/durable-app.ts";
import { leavesSubscribing } from "../support/subscribe-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const hourMs = 3_600_000;

/** A wall clock that is set; the monotonic one goes on as it does. */
function clockSet(byMs: () => number): Clock {
  return { wall: () => Date.now() + byMs(), monotonic: () => performance.now() };
}

for (const [name, byMs] of [
  ["a day ahead", 24 * hourMs],
  ["an hour back", -hourMs],
] as const) {
  describe(`S67: the clock is set ${name}`, () => {
    it("between two processes: nothing has expired but what may have", async () => {
      await using broker = await startScriptedBroker(leavesSubscribing({ sessionPresent: true }));
      await using place = durablePlace();
      const first = await place.start();
      const request = {
        url: broker.url,
        cleanStart: false,
        properties: { sessionExpiryInterval: 3_600 },
        idleTtlMs: 20 * hourMs,
        log: { durable: true },
      };
      for (const id of ["a", "b", "c"])
        assert.equal((await first.call("PUT", `/connections/${id}`, request)).status, 201);
      const post = (app: typeof first) =>
        app.call("POST", "/connections", { id: "d", ...request, durable: true }, { "idempotency-key": "k" });
      const answer = await post(first);
      assert.equal(answer.status, 201, answer.text);
      const queued = await first.call("POST", "/connections/a/publish?topic=t&qos=1&queue=72000", "m");
      assert.equal(queued.status, 202, queued.text);
      await first.stop();

      const second = await place.start(place.environment, { clock: clockSet(() => byMs) });
      for (const id of ["a", "b", "c", "d"]) {
        const view = await inState(second, id, "connected");
        // An idle time begins anew with a process.
        assert.ok(Date.parse(view.expiresAt) - Date.now() - byMs > 19 * hourMs, view.expiresAt);
      }
      const again = await post(second);
      assert.deepEqual([again.status, again.text], [201, answer.text]);
      assert.equal(again.headers.get("idempotent-replayed"), "true");
      const entry = await second.call("GET", `/connections/a/outbox/${queued.body.id}`);
      assert.notEqual(entry.body.state, "expired", entry.text);
      const events = await second.call("GET", "/connections/a/events?format=json&after=earliest");
      const ids = events.body.items.map(({ id }: { id: string }) => Number(id.split("-").at(-1)));
      assert.deepEqual(
        ids,
        ids.toSorted((a: number, b: number) => a - b),
      );
    });

    it("while a process runs: it neither closes what is idle nor waits for ever", async () => {
      let set = 0;
      await using broker = await startScriptedBroker((peer) => accepts()(peer));
      await using place = durablePlace();
      const app = await place.start(place.environment, { clock: clockSet(() => set) });
      const request = {
        url: broker.url,
        idleTtlMs: 20 * hourMs,
        reconnect: { minDelayMs: 50, maxDelayMs: 100 },
      };
      assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
      set = byMs;
      (await broker.connection(1)).reset();
      const peer = await broker.connection(2);
      await inState(app, "home", "connected");
      // Set while it waits, too.
      peer.reset();
      set = 0;
      await broker.connection(3);
      const view = await inState(app, "home", "connected");
      assert.equal(view.state, "connected");
      assert.ok(Date.parse(view.expiresAt) - Date.now() > 19 * hourMs, view.expiresAt);
    });
  });
}
