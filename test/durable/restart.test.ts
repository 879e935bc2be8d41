import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { durablePlace, inState } from "../support/durable-app.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const withMosquitto = { skip: needs("mosquitto") };

describe("a durable connection", () => {
  it(
    "comes back after a restart as it was, with its session, its subscriptions and its events",
    async () => {
      await using broker = await startMosquitto({ persistence: true });
      await using place = durablePlace();
      const first = await place.start();
      const request = {
        url: broker.url,
        cleanStart: false,
        properties: { sessionExpiryInterval: 3_600 },
        subscriptions: [{ topicFilter: "a/#", qos: 1 }],
        labels: { site: "x" },
      };
      const put = await first.call("PUT", "/connections/home", request);
      assert.equal(put.status, 201, put.text);
      assert.equal(put.body.request.durable, true);
      const added = await first.call("POST", "/connections/home/subscriptions", { topicFilter: "b", qos: 1 });
      assert.equal(added.status, 201, added.text);
      const events = await first.call("GET", "/connections/home/events?format=json");
      const seen = events.body.items.map(({ id, type }: { id: string; type: string }) => [id, type]);
      assert.deepEqual(
        seen.map(([, type]: string[]) => type),
        ["connecting", "connected", "subscribed", "subscribed"],
      );
      await first.stop();

      await using other = await connectClient(broker.url, { protocolVersion: 5 });
      await other.publishAsync("a/1", "while it was away", { qos: 1 });
      const second = await place.start();
      const view = await inState(second, "home", "connected");
      assert.equal(view.clientId, put.body.clientId);
      assert.equal(view.createdAt, put.body.createdAt);
      assert.equal(view.flags.sessionPresent, true);
      assert.ok(view.version > added.body.version || view.version > put.body.version);
      assert.deepEqual(view.request.labels, { site: "x" });
      const subscriptions = await second.call("GET", "/connections/home/subscriptions");
      assert.deepEqual(
        subscriptions.body.items.map(({ topicFilter, grantedQos }: Record<string, unknown>) => [
          topicFilter,
          grantedQos,
        ]),
        [
          ["a/#", 1],
          ["b", 1],
        ],
      );
      const messages = await second.call("GET", "/connections/home/messages?wait=10");
      assert.equal(messages.body.items[0].payload, "while it was away");

      // From an event that was seen before the restart, exactly what came after.
      const [last] = seen.at(-1);
      const after = await second.call("GET", `/connections/home/events?format=json&after=${last}`);
      assert.equal(after.body.gap, undefined, after.text);
      const types = after.body.items.map(({ type }: { type: string }) => type);
      assert.deepEqual(types.slice(-2), ["connecting", "connected"]);
      const connecting = after.body.items.at(-2);
      assert.equal(connecting.cause, "restart");
      const all = await second.call("GET", `/events?format=json&after=${last}`);
      assert.equal(all.body.gap, undefined);
      assert.ok(all.body.items.length >= 2);
      // Made again it would have been a SUBSCRIBE, and an event.
      assert.ok(!types.includes("subscribed"));
    },
    withMosquitto,
  );

  it(
    "does not come back when it was deleted, and neither does one that is not durable",
    async () => {
      await using broker = await startMosquitto();
      await using place = durablePlace();
      const first = await place.start();
      for (const id of ["a", "b"])
        assert.equal((await first.call("PUT", `/connections/${id}`, { url: broker.url })).status, 201);
      assert.equal((await first.open({ id: "c", url: broker.url })).status, 201);
      assert.equal((await first.open({ id: "d", url: broker.url, durable: true })).status, 201);
      assert.equal(
        (await first.call("PUT", "/connections/e", { url: broker.url, durable: false })).status,
        201,
      );
      // It was durable, and is not any longer.
      assert.equal(
        (await first.call("PUT", "/connections/b", { url: broker.url, durable: false })).status,
        200,
      );
      assert.equal((await first.call("DELETE", "/connections/a")).status, 200);
      await first.stop();
      const second = await place.start();
      const list = await second.call("GET", "/connections");
      assert.deepEqual(
        list.body.items.map(({ id }: { id: string }) => id),
        ["d"],
      );
    },
    withMosquitto,
  );

  it(
    "keeps its secrets sealed, and is refused where there is no key",
    async () => {
      await using broker = await startMosquitto({ users: { u: "canary-pass-word" } });
      await using place = durablePlace();
      const request = { url: broker.url, username: "u", password: "canary-pass-word" };
      const without = await place.start({ CONNACK_STORE: `sqlite:${place.file}` });
      const refused = await without.call("PUT", "/connections/home", request);
      assert.equal(refused.status, 422, refused.text);
      assert.equal(refused.body.code, "secret-key-missing");
      assert.match(refused.body.detail, /CONNACK_SECRET_KEY/);
      assert.equal((await without.call("GET", "/connections/home")).status, 404);
      await without.stop();
      const first = await place.start();
      assert.equal((await first.call("PUT", "/connections/home", request)).status, 201);
      await first.stop();
      const second = await place.start();
      await inState(second, "home", "connected");
      await second.stop();
      assert.ok(!readFileSync(place.file).includes("canary-pass-word"));
      await assert.rejects(
        place.start({ ...place.environment, CONNACK_SECRET_KEY: Buffer.alloc(32, 9).toString("base64") }),
        /the key [0-9a-f]{8} is not among those/,
      );
    },
    withMosquitto,
  );

  it(
    "that has given up stays so, until it is told otherwise",
    async () => {
      await using broker = await startMosquitto({ users: { u: "right" } });
      await using place = durablePlace();
      const first = await place.start();
      const put = await first.call("PUT", "/connections/home?wait=0", {
        url: broker.url,
        username: "u",
        password: "wrong",
      });
      assert.equal(put.status, 202, put.text);
      await inState(first, "home", "failed");
      await first.stop();
      const second = await place.start();
      const { body } = await second.call("GET", "/connections/home");
      assert.equal(body.state, "failed");
      assert.equal(body.flags.badConnection, true);
      assert.equal(body.lastError.code, "broker-refused");
      assert.equal(body.attempts.total, 0);
      const fields = { username: "u", password: "right" };
      assert.equal((await second.call("POST", "/connections/home/reconnect", fields)).status, 200);
      await second.stop();
      const third = await place.start();
      await inState(third, "home", "connected");
    },
    withMosquitto,
  );
});
