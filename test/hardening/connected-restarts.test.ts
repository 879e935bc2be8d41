import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const restarts = 10;
const filters = ["a/+", "b/#", "c"];

describe("S38: a broker that restarts again and again", () => {
  itHolds(
    "S38: ten restarts in 30 s: the back-off shows, all subscriptions are back, and one MQTT connection is left",
    async (rig) => {
      await using broker = await startMosquitto();
      const started = performance.now();
      const opened = await rig.open({
        id: "home",
        url: broker.url,
        clientId: "c38",
        reconnect: { minDelayMs: 20, maxDelayMs: 400 },
        subscriptions: filters.map((topicFilter) => ({ topicFilter, qos: 1 })),
      });
      assert.equal(opened.status, 201, opened.text);
      await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
      const subscribed = async () => {
        const topics = new Set<string>();
        for (const _ of filters) topics.add((await events.next("subscribed")).data.topicFilter);
        assert.deepEqual(topics, new Set(filters));
      };
      await subscribed();
      let lastStart = 0;
      for (let round = 0; round < restarts; round += 1) {
        await broker.stop(round % 2 === 0 ? "SIGTERM" : "SIGKILL");
        assert.equal((await events.next("disconnected")).data.state, "waiting");
        // The broker stays away until an attempt has failed.
        assert.equal((await events.next("error")).data.code, "connection-refused");
        lastStart = broker.log().length;
        await broker.start();
        assert.equal((await events.next("connected")).data.state, "connected");
        await subscribed();
      }
      assert.ok(performance.now() - started < 30_000, "ten restarts took more than 30 s");

      const waits = events.seen.filter(({ type }) => type === "waiting");
      const delays = waits.map(({ data }) => data.delayMs);
      assert.ok(waits.length >= 2 * restarts, `${waits.length} waits`);
      assert.ok(
        delays.every((ms) => ms >= 20 && ms <= 400),
        delays.join(),
      );
      // None of these connections lasted, so that the delays had to grow beyond the first ceiling of 40 ms.
      assert.ok(Math.max(...delays) > 40, delays.join());

      const { body: view } = await rig.call("GET", "/connections/home");
      assert.deepEqual([view.state, view.counters.connects], ["connected", restarts + 1]);
      assert.equal(
        broker
          .log()
          .slice(lastStart)
          .match(/New client connected .* as c38/g)?.length,
        1,
      );
      await using publisher = await connectClient(broker.url);
      for (const topic of ["a/1", "b/x/y", "c"]) await publisher.publishAsync(topic, "x", { qos: 1 });
      await viewWhen(rig.app, "home", ({ counters }) => counters.messagesIn === 3);
    },
    { skip: needs("mosquitto"), timeout: 60_000 },
  );
});
