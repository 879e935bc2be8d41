import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import type { TestApp } from "../support/app.ts";
import { durablePlace } from "../support/durable-app.ts";
import { describe, it } from "../support/test.ts";

const hour = 3_600_000;
const day = 24 * hour;

const jumps = [
  ["a day ahead", day],
  ["an hour back", -hour],
] as const;

/** A place whose wall clock can be set. */
function settablePlace() {
  const place = durablePlace();
  const set = { by: 0 };
  const clock = { ...systemClock, wall: () => systemClock.wall() + set.by };
  const start = () => place.start(place.environment, { clock });
  return { place, set, start };
}

/** Queues three messages on a connection whose broker is away. */
async function queueThree(app: TestApp, seconds: number): Promise<void> {
  const put = await app.call("PUT", "/connections/home?wait=0", { url: "mqtt://127.0.0.1:9" });
  assert.equal(put.status, 202, put.text);
  for (const n of [1, 2, 3]) {
    const path = `/connections/home/publish?topic=t/${n}&queue=${seconds}`;
    const answer = await app.call("POST", path, "x", { "content-type": "text/plain" });
    assert.equal(answer.status, 202, answer.text);
  }
}

async function states(app: TestApp): Promise<string[]> {
  const { body } = await app.call("GET", "/connections/home/outbox");
  return body.items.map(({ state }: { state: string }) => state);
}

const queued = ["queued", "queued", "queued"];
const expired = ["expired", "expired", "expired"];

/** Resolves when all three have expired. */
async function allExpire(app: TestApp): Promise<void> {
  await using events = await app.events("/connections/home/events?lastEventId=earliest&types=expired");
  for (let seen = 0; seen < 3;) if ((await events.next()).data["type"] === "expired") seen += 1;
  assert.deepEqual(await states(app), expired);
}

describe("the outbox, when the clock is set (S67)", () => {
  for (const [name, jump] of jumps) {
    it(`${name} while it runs: nothing expires for it, and all does in its time`, async () => {
      const { place, set, start } = settablePlace();
      await using _ = place;
      const first = await start();
      await queueThree(first, 600);
      set.by += jump;
      assert.deepEqual(await states(first), queued);
      await first.stop();

      const second = await start();
      assert.deepEqual(await states(second), queued);
      await second.stop();

      // Now time does go by.
      set.by += 600_000;
      await allExpire(await start());
    });

    it(`${name} while nobody is there: what has a day left does not expire at once, and does in the end`, async () => {
      const { place, set, start } = settablePlace();
      await using _ = place;
      const first = await start();
      await queueThree(first, day / 1_000);
      await first.stop();
      set.by += jump;
      const second = await start();
      assert.deepEqual(await states(second), queued);
      await second.stop();

      // What passes while nobody is there counts up to half a day.
      for (let halves = 0; halves < 2; halves += 1) {
        set.by += 12 * hour;
        const app = await start();
        if (halves === 1) await allExpire(app);
        await app.stop();
      }
    });
  }
});
