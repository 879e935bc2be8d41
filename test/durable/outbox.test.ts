import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Answer, TestApp } from "../support/app.ts";
import { durablePlace, inState, type DurablePlace } from "../support/durable-app.ts";
import { startMosquitto, type Mosquitto } from "../support/mosquitto.ts";
import { connectClient } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

const path = "/connections/home/publish";

async function open(app: TestApp, broker: Mosquitto, more: object = {}): Promise<void> {
  const request = { url: broker.url, reconnect: { minDelayMs: 50, maxDelayMs: 200 }, ...more };
  const put = await app.call("PUT", "/connections/home", request);
  assert.equal(put.status, 201, put.text);
}

function queue(app: TestApp, topic: string, payload: string, query = "queue=60&qos=1", headers = {}) {
  return app.call("POST", `${path}?topic=${topic}&${query}`, payload, {
    "content-type": "text/plain",
    ...headers,
  });
}

/** The fate of a message, when it is known. */
async function fate(app: TestApp, id: string): Promise<Answer["body"]> {
  await using events = await app.events(
    "/connections/home/events?lastEventId=earliest&types=delivered,expired,rejected",
  );
  for (;;) {
    const event = await events.next();
    if (event.data["message"] === id) break;
  }
  return (await app.call("GET", `/connections/home/outbox/${id}`)).body;
}

/** A broker, and an app whose durable connection `home` is connected to it. */
interface Scene {
  readonly broker: Mosquitto;
  readonly place: DurablePlace;
  readonly app: TestApp;
  /** Stops the broker, and resolves when the connection waits for it. */
  readonly goAway: () => Promise<void>;
}

function itHas(name: string, body: (scene: Scene) => Promise<void>, more: Record<string, string> = {}): void {
  const run = async () => {
    await using broker = await startMosquitto({ persistence: true });
    await using place = durablePlace();
    const app = await place.start({ ...place.environment, ...more });
    await open(app, broker);
    const goAway = async () => {
      await broker.stop();
      await inState(app, "home", "waiting");
    };
    await body({ broker, place, app, goAway });
  };
  it(name, run, { skip: needs("mosquitto") });
}

/** A client whose session waits for it at the broker. */
function openReader(url: string) {
  const properties = { sessionExpiryInterval: 3_600 };
  return connectClient(url, { protocolVersion: 5, clientId: "reader", clean: false, properties });
}

describe("the outbox", () => {
  itHas(
    "takes messages while the broker is away, keeps them over a restart, and delivers them in order",
    async ({ broker, place, app: first, goAway }) => {
      await using other = await openReader(broker.url);
      await other.subscribeAsync("t/#", { qos: 2 });
      await other.endAsync();
      await goAway();
      const ids: string[] = [];
      for (let n = 0; n < 20; n += 1) {
        const answer = await queue(first, `t/${n % 2}`, `m${n}`, `queue=60&qos=${1 + (n % 2)}`);
        assert.equal(answer.status, 202, answer.text);
        assert.equal(answer.body.state, "queued");
        assert.equal(answer.headers.get("location"), `/connections/home/outbox/${answer.body.id}`);
        ids.push(answer.body.id);
      }
      const { body: waiting } = await first.call("GET", "/connections/home");
      assert.equal(waiting.counters.queued, 20);
      await first.stop();

      const second = await place.start();
      const list = await second.call("GET", "/connections/home/outbox?limit=15");
      assert.equal(waiting.oldestUnacknowledgedAt, list.body.items[0].acceptedAt);
      const again = await second.call("GET", "/connections/home");
      assert.equal(again.body.oldestUnacknowledgedAt, waiting.oldestUnacknowledgedAt);
      assert.deepEqual(
        list.body.items.map(({ id }: { id: string }) => id),
        ids.slice(0, 15),
      );
      const rest = await second.call("GET", `/connections/home/outbox?limit=15&after=${list.body.next}`);
      assert.deepEqual(
        rest.body.items.map(({ id }: { id: string }) => id),
        ids.slice(15),
      );
      assert.equal(rest.body.next, null);
      await broker.start();
      const arrived: string[] = [];
      const all = Promise.withResolvers<void>();
      const reader = await openReader(broker.url);
      reader.on("message", (topic, payload) => {
        if (arrived.push(`${topic} ${String(payload)}`) === 20) all.resolve();
      });
      await using _ = reader;
      await all.promise;
      for (const topic of ["t/0", "t/1"])
        assert.deepEqual(
          arrived.filter((one) => one.startsWith(topic)),
          ids.map((__, n) => `t/${n % 2} m${n}`).filter((one) => one.startsWith(topic)),
        );
      const last = await fate(second, ids.at(-1) ?? "");
      assert.equal(last.state, "delivered");
      assert.equal(last.outcome.reasonCode, 0);
      await second.stop();
      // What became of them is known after another restart.
      const third = await place.start();
      const { body } = await third.call("GET", `/connections/home/outbox/${ids[0]}`);
      assert.equal(body.state, "delivered");
      const { body: done } = await third.call("GET", "/connections/home");
      assert.deepEqual([done.counters.queued, done.oldestUnacknowledgedAt], [0, null]);
    },
  );

  itHas("delivers at once while connected, whatever the QoS and the form of the call", async ({ app }) => {
    for (const qos of [0, 1, 2]) {
      const { body, status } = await queue(app, "a", "x", `queue=5&qos=${qos}`);
      assert.equal(status, 202);
      const known = await fate(app, body.id);
      assert.equal(known.state, "delivered");
      assert.equal(known.qos, qos);
      // Nobody is subscribed, which the broker may say or not.
      const codes: readonly unknown[] = qos === 0 ? [null] : [0, 0x10];
      assert.ok(codes.includes(known.outcome.reasonCode), `QoS ${qos}`);
    }
    const json = await app.call("POST", `${path}?queue=5`, { topic: "a", payload: "y", qos: 1 });
    assert.equal(json.status, 202, json.text);
    const array = await app.call("POST", `${path}?queue=5`, [
      { topic: "a", payload: "1", qos: 1 },
      { topic: "#" },
      { topic: "a", properties: { topicAlias: 1 } },
    ]);
    assert.equal(array.status, 207);
    assert.deepEqual(
      array.body.results.map(({ status }: { status: number }) => status),
      [202, 422, 422],
    );
    assert.equal((await fate(app, array.body.results[0].id)).state, "delivered");
  });

  itHas(
    "an Idempotency-Key is one message, also when only its answer was lost in a crash",
    async ({ place, app: first, goAway }) => {
      await goAway();
      const once = await queue(first, "a", "x", "queue=60&qos=1", { "idempotency-key": "k1" });
      const again = await queue(first, "a", "x", "queue=60&qos=1", { "idempotency-key": "k1" });
      assert.equal(once.status, 202, once.text);
      assert.equal(again.headers.get("idempotent-replayed"), "true");
      assert.equal(again.body.id, once.body.id);
      await first.stop();
      const database = new DatabaseSync(place.file);
      database.exec("DELETE FROM records WHERE space = 'idempotency'");
      database.close();
      const second = await place.start();
      const late = await queue(second, "a", "x", "queue=60&qos=1", { "idempotency-key": "k1" });
      assert.equal(late.status, 202);
      assert.equal(late.headers.get("idempotent-replayed"), null);
      assert.equal(late.body.id, once.body.id);
      // The very one that was accepted, and not another under its id.
      assert.equal(late.body.acceptedAt, once.body.acceptedAt);
      const list = await second.call("GET", "/connections/home/outbox");
      assert.equal(list.body.items.length, 1);
    },
  );

  itHas(
    "messages expire by ?queue= and by their Message Expiry Interval, and can be taken out",
    async ({ broker, app, goAway }) => {
      await goAway();
      const short = await queue(app, "a", "x", "queue=1&qos=1");
      const aged = await queue(app, "a", "x", "queue=60&qos=1&messageExpiryInterval=1");
      const long = await queue(app, "a", "x", "queue=60&qos=1&messageExpiryInterval=100");
      const taken = await queue(app, "a", "x", "queue=60&qos=1");
      const remove = () => app.call("DELETE", `/connections/home/outbox/${taken.body.id}`);
      assert.equal((await remove()).status, 204);
      assert.equal((await remove()).status, 404);
      const expired = await fate(app, short.body.id);
      assert.equal(expired.state, "expired");
      assert.equal(expired.outcome.why, "queue");
      await broker.start();
      assert.equal((await fate(app, aged.body.id)).outcome.why, "messageExpiryInterval");
      assert.equal((await fate(app, long.body.id)).state, "delivered");
      const { body } = await app.call("GET", "/connections/home/outbox?state=expired");
      assert.equal(body.items.length, 2);
    },
  );

  itHas(
    "a PUT that replaces the connection keeps what waits; one that would lose it is refused",
    async ({ broker, app, goAway }) => {
      await goAway();
      const { body } = await queue(app, "a", "x");
      const lossy = await app.call("PUT", "/connections/home?wait=0", { url: broker.url, durable: false });
      assert.equal(lossy.status, 409, lossy.text);
      assert.equal(lossy.body.code, "outbox-not-empty");
      const request = { url: broker.url, labels: { a: "b" }, reconnect: { minDelayMs: 50, maxDelayMs: 200 } };
      assert.equal((await app.call("PUT", "/connections/home?wait=0", request)).status, 202);
      await broker.start();
      assert.equal((await fate(app, body.id)).state, "delivered");
    },
  );

  itHas(
    "is bounded, and says what is wrong with a call",
    async ({ broker, app, goAway }) => {
      assert.equal((await app.open({ id: "light", url: broker.url })).status, 201);
      const light = await app.call("POST", "/connections/light/publish?topic=a&queue=5", "x", {});
      assert.equal(light.status, 422, light.text);
      assert.equal(light.body.errors[0].parameter, "queue");
      assert.deepEqual((await app.call("GET", "/connections/light/outbox")).body, { items: [], next: null });
      for (const value of ["0", "-1", "x", "604801", "1&queue=2"])
        assert.equal((await queue(app, "a", "x", `queue=${value}`)).status, 422, value);
      assert.equal((await queue(app, "a", "x", "queue=5&wait=5")).status, 422);
      assert.equal((await queue(app, "a", "x", "queue=5&topicAlias=1")).status, 422);
      const lines = await app.call("POST", `${path}?queue=5`, "{}\n", {
        "content-type": "application/x-ndjson",
      });
      assert.equal(lines.status, 422);
      await goAway();
      for (let n = 0; n < 2; n += 1) assert.equal((await queue(app, "a", "x")).status, 202);
      const third = await queue(app, "a", "x");
      assert.equal(third.status, 429);
      assert.equal(third.body.limit.name, "CONNACK_MAX_OUTBOX");
    },
    { CONNACK_MAX_OUTBOX: "2" },
  );
});
