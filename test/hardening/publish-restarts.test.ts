import assert from "node:assert/strict";
import mqtt, { type MqttClient } from "mqtt";
import { itHolds } from "../support/invariants.ts";
import { publish } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

const count = 1_000;
const perSecond = 200;
const restarts = 5;
const real = { skip: needs("mosquitto"), timeout: 60_000 };

/** A client of somebody else's with a session that lasts, which comes back by itself. */
async function durableSubscriber(url: string, topicFilter: string): Promise<MqttClient & AsyncDisposable> {
  const client = mqtt.connect(url, {
    protocolVersion: 5,
    clientId: "durable",
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
    reconnectPeriod: 50,
    resubscribe: false,
  });
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  await client.subscribeAsync(topicFilter, { qos: 1 });
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await client.endAsync(true);
    },
  });
}

describe("S34: a broker that restarts under load and keeps its sessions", () => {
  itHolds(
    `S34: of ${count} QoS 1 publishes at ${perSecond}/s through ${restarts} restarts, what was acknowledged has arrived`,
    async (rig) => {
      await using broker = await startMosquitto({ persistence: true });
      await using subscriber = await durableSubscriber(broker.url, "load");
      const arrived = new Map<string, number>();
      const ended = Promise.withResolvers<void>();
      subscriber.on("message", (_, payload) => {
        const text = String(payload);
        arrived.set(text, (arrived.get(text) ?? 0) + 1);
        if (text === "end") ended.resolve();
      });
      const session = { cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };
      const reconnect = { minDelayMs: 20, maxDelayMs: 100 };
      const opened = await rig.open({ id: "home", url: broker.url, clientId: "c34", reconnect, ...session });
      assert.equal(opened.status, 201, opened.text);

      const queue = Array.from({ length: count }, (_, n) => `m${n}`);
      const acknowledged = new Set<string>();
      const outcomes = new Map<string, number>();
      const maybeTwice = new Set<string>();
      const done = Promise.withResolvers<void>();
      const one = async (payload: string) => {
        const { status, body, text } = await publish(rig, "load", payload, "&qos=1&wait=20");
        const outcome = status === 200 ? "200" : `${status} ${body.code} ${body.duplicatePossible}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (status === 200) {
          acknowledged.add(payload);
          if (acknowledged.size === count) done.resolve();
          return;
        }
        // Only these may be tried again without harm, or are said to harm.
        assert.ok(status === 503 || body.duplicatePossible === true, text);
        if (body.duplicatePossible === true) maybeTwice.add(payload);
        queue.push(payload);
      };
      const failures: unknown[] = [];
      const pace = setInterval(() => {
        const payload = queue.shift();
        if (payload === undefined) return;
        one(payload).catch((error: unknown) => {
          failures.push(error);
          done.resolve();
        });
      }, 1_000 / perSecond);
      const restarting = (async () => {
        await using events = await rig.app.events("/connections/home/events?types=disconnected,connected");
        for (let round = 1; round <= restarts; round += 1) {
          const enough = (round * count) / (restarts + 2);
          while (acknowledged.size < enough && failures.length === 0)
            await rig.app.call("GET", "/connections/home?wait=0.02");
          await broker.stop("SIGTERM");
          await events.next("disconnected");
          await broker.start();
          await events.next("connected");
        }
      })();
      try {
        await Promise.all([done.promise, restarting]);
      } finally {
        clearInterval(pace);
      }
      if (failures.length > 0) throw failures[0];
      assert.equal((await publish(rig, "load", "end", "&qos=1")).status, 200);
      await ended.promise;

      const lost = [...acknowledged].filter((payload) => !arrived.has(payload));
      const twice = [...arrived].filter(([, times]) => times > 1).length;
      process.stdout.write(
        `S34: ${JSON.stringify(Object.fromEntries(outcomes))}; ${twice} arrived more than once, ${maybeTwice.size} were said to\n`,
      );
      assert.deepEqual(lost, [], "acknowledged, but they have not arrived");
      assert.equal(acknowledged.size, count);
      const { body: view } = await rig.call("GET", "/connections/home");
      assert.deepEqual([view.counters.connects, view.counters.inflight], [restarts + 1, 0]);
    },
    real,
  );
});
