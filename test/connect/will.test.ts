import assert from "node:assert/strict";
import type { IPublishPacket } from "mqtt";
import type { MqttClient } from "mqtt";
import { itHolds, type Rig } from "../support/invariants.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe } from "../support/test.ts";

const skip = needs("mosquitto");
const properties = {
  willDelayInterval: 0,
  messageExpiryInterval: 60,
  contentType: "text/plain; charset=utf-8",
  responseTopic: "answers/1",
  correlationData: { base64: "AP8=" },
  payloadFormatIndicator: 1,
  userProperties: { a: "b", c: ["d", "e"] },
};
const will = { topic: "gone/1", payload: "bye", qos: 1, properties };

function nextPublish(client: MqttClient): Promise<IPublishPacket> {
  return new Promise((resolve) => client.once("message", (_topic, _payload, packet) => resolve(packet)));
}

/** Opens a connection with a will, ends it by this call, and gives what a subscriber to everything gets next. */
async function publishedAfter(
  rig: Rig,
  end: (broker: { url: string }) => Promise<void>,
  request: object = {},
) {
  await using broker = await startMosquitto();
  await using watcher = await connectClient(broker.url, { protocolVersion: 5 });
  await watcher.subscribeAsync("#", { qos: 1 });
  const opened = await rig.open({ id: "w", url: broker.url, will, ...request });
  assert.equal(opened.status, 201, opened.text);
  const next = nextPublish(watcher);
  await end(broker);
  // Behind the will, where there is one: what comes first tells whether there was.
  await using marker = await connectClient(broker.url);
  await marker.publishAsync("marker", "", { qos: 1 });
  return await next;
}

const removed = (rig: Rig, query: string) => async () => {
  const answer = await rig.call("DELETE", `/connections/w${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.state, "closed");
};

describe("the will", () => {
  for (const query of ["?force=true", "?reasonCode=4"]) {
    itHolds(
      `is published by DELETE${query}, with all of its properties`,
      async (rig) => {
        const packet = await publishedAfter(rig, removed(rig, query));
        assert.equal(packet.topic, "gone/1");
        assert.equal(String(packet.payload), "bye");
        assert.equal(packet.qos, 1);
        const { correlationData, userProperties, payloadFormatIndicator, messageExpiryInterval, ...rest } =
          packet.properties ?? {};
        assert.deepEqual(Buffer.from(correlationData ?? []), Buffer.from([0, 255]));
        assert.deepEqual({ ...userProperties }, properties.userProperties);
        assert.equal(Number(payloadFormatIndicator), 1);
        assert.ok((messageExpiryInterval ?? 0) > 50);
        assert.deepEqual({ ...rest }, { contentType: properties.contentType, responseTopic: "answers/1" });
      },
      { skip },
    );
  }

  itHolds(
    "is not published by a plain DELETE",
    async (rig) => {
      assert.equal((await publishedAfter(rig, removed(rig, ""))).topic, "marker");
    },
    { skip },
  );

  itHolds(
    "is not published when PUT replaces the connection",
    async (rig) => {
      const packet = await publishedAfter(rig, async ({ url }) => {
        const answer = await rig.call("PUT", "/connections/w", { url, keepAlive: 30 });
        assert.equal(answer.status, 200, answer.text);
      });
      assert.equal(packet.topic, "marker");
    },
    { skip },
  );

  itHolds(
    "is not published by a reconnect that a caller asks for",
    async (rig) => {
      const packet = await publishedAfter(rig, async () => {
        assert.equal((await rig.call("POST", "/connections/w/reconnect")).status, 200);
      });
      assert.equal(packet.topic, "marker");
    },
    { skip },
  );

  itHolds(
    "is published in 3.1.1 by DELETE?force=true; reasonCode is a 422 there",
    async (rig) => {
      const packet = await publishedAfter(
        rig,
        async () => {
          const refused = await rig.call("DELETE", "/connections/w?reasonCode=4");
          assert.equal(refused.status, 422, refused.text);
          assert.equal(refused.body.errors[0].parameter, "reasonCode");
          await removed(rig, "?force=true")();
        },
        { protocolVersion: "3.1.1", will: { topic: "gone/1", payload: "bye", qos: 2, retain: true } },
      );
      assert.equal(packet.topic, "gone/1");
    },
    { skip },
  );
});
