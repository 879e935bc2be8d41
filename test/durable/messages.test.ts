import assert from "node:assert/strict";
import { durablePlace, inState } from "../support/durable-app.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const withMosquitto = { skip: needs("mosquitto") };

describe("a durable message log", () => {
  it(
    "has its messages after a restart under the same ids, and goes on behind them",
    async () => {
      await using broker = await startMosquitto({ persistence: true });
      await using place = durablePlace();
      const first = await place.start();
      const request = {
        url: broker.url,
        cleanStart: false,
        properties: { sessionExpiryInterval: 3_600 },
        subscriptions: [{ topicFilter: "#", qos: 2 }],
        log: { durable: true },
      };
      assert.equal((await first.call("PUT", "/connections/home", request)).status, 201);
      await using other = await connectClient(broker.url, { protocolVersion: 5 });
      for (const [n, qos] of ([0, 1, 2, 1, 2] as const).entries())
        await other.publishAsync(`t/${n}`, `m${n}`, { qos });
      const path = "/connections/home/messages?limit=5";
      let page = await first.call("GET", `${path}&wait=10`);
      while (page.body.items.length < 5) page = await first.call("GET", `${path}&wait=0.1`);
      await first.stop();
      const second = await place.start();
      await inState(second, "home", "connected");
      const again = await second.call("GET", path);
      assert.deepEqual(again.body.items, page.body.items);
      await other.publishAsync("t/5", "m5", { qos: 2 });
      const next = await second.call("GET", `/connections/home/messages?wait=10&after=${page.body.next}`);
      assert.equal(next.body.gap, undefined);
      assert.deepEqual(
        next.body.items.map(({ payload }: { payload: string }) => payload),
        ["m5"],
      );
      // A PUT that changes something else leaves the messages where they are.
      const changed = await second.call("PUT", "/connections/home", { ...request, labels: { a: "b" } });
      assert.equal(changed.status, 200, changed.text);
      const kept = await second.call("GET", "/connections/home/messages?limit=10");
      assert.deepEqual(kept.body.items, [...page.body.items, ...next.body.items]);
      await second.stop();
      const third = await place.start();
      await inState(third, "home", "connected");
      const last = await third.call("GET", "/connections/home/messages?limit=10");
      assert.deepEqual(last.body.items, kept.body.items);
    },
    withMosquitto,
  );
});
