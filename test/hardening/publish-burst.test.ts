import assert from "node:assert/strict";
import { itHolds } from "../support/invariants.ts";
import { publish, publishJson, subscribe } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

const real = { skip: needs("mosquitto"), timeout: 60_000 };

describe("S10: bursts beyond what the broker takes at once", () => {
  for (const form of ["1,000 calls at once", "one call with 1,000 messages"] as const) {
    itHolds(
      `S10: ${form} at QoS 2 all succeed, and each message arrives once`,
      async (rig) => {
        await using broker = await startMosquitto();
        await using listener = await connectClient(broker.url, { protocolVersion: 5 });
        await listener.subscribeAsync("burst", { qos: 2 });
        const arrived: string[] = [];
        const all = new Promise<void>((resolve) => {
          listener.on("message", (_, payload) => {
            arrived.push(String(payload));
            if (arrived.length === 1_000) resolve();
          });
        });
        await rig.open({ id: "home", url: broker.url });
        const payloads = Array.from({ length: 1_000 }, (_, n) => `m${n}`);
        if (form === "1,000 calls at once") {
          const answers = await Promise.all(
            payloads.map((payload) => publish(rig, "burst", payload, "&qos=2&wait=30")),
          );
          for (const { status, text } of answers) assert.equal(status, 200, text);
        } else {
          const messages = payloads.map((payload) => ({ topic: "burst", payload, qos: 2 }));
          const { status, body, text } = await publishJson(rig, JSON.stringify(messages), "?wait=30");
          assert.equal(status, 207, text);
          assert.equal(body.results.length, 1_000);
          for (const result of body.results) assert.equal(result.status, 200, JSON.stringify(result));
        }
        await all;
        // What would come twice comes before this.
        await subscribe(rig, "burst", { qos: 2 });
        assert.equal(arrived.length, 1_000);
        assert.equal(new Set(arrived).size, 1_000);
        if (form === "one call with 1,000 messages") assert.deepEqual(arrived, payloads);
        const { body: view } = await rig.call("GET", "/connections/home");
        assert.deepEqual([view.counters.connects, view.counters.inflight], [1, 0]);
      },
      real,
    );
  }
});
