import assert from "node:assert/strict";
import { startApp, type Answer, type TestApp } from "../support/app.ts";
import { durablePlace } from "../support/durable-app.ts";
import { durableStore, removes } from "../support/durable-store.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import { startScriptedBroker, type Script } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe, it } from "../support/test.ts";

const reconnect = { minDelayMs: 10, maxDelayMs: 20 };

/** Opens `home`, queues messages by their topics, and returns the state of each when all fates are known. */
async function fates(
  app: TestApp,
  url: string,
  topics: readonly string[],
  more: object = {},
): Promise<Answer["body"][]> {
  const put = await app.call("PUT", "/connections/home", { url, reconnect, ...more });
  assert.equal(put.status, 201, put.text);
  await using events = await app.events("/connections/home/events?types=delivered,expired,rejected");
  const body = topics.map((topic, n) => ({ topic, payload: String(n), qos: 1 }));
  const accepted = await app.call("POST", "/connections/home/publish?queue=60", body);
  assert.equal(accepted.status, 207, accepted.text);
  for (let left = topics.length; left > 0;) if ((await events.next()).type !== "snapshot") left -= 1;
  const { body: page } = await app.call("GET", "/connections/home/outbox");
  return page.items;
}

/** Acknowledges all, but ends the connection over one topic. */
const cannotBear = (topic: string) => (peer: ScriptedPeer) => {
  peer.answer("publish", (packet) => {
    if (packet.topic === topic) peer.end();
    else acknowledge(peer, "puback", packet.messageId ?? 0);
  });
};

const states = (items: readonly { state: string }[]) => items.map(({ state }) => state);

function itEnds(
  name: string,
  script: (peer: ScriptedPeer) => void,
  session: Parameters<typeof opens>[0],
  more: object,
) {
  it(name, async () => {
    await using broker = await startScriptedBroker(opens(session, script) satisfies Script);
    await using place = durablePlace();
    const app = await place.start();
    const items = await fates(app, broker.url, ["a", "poison", "b", "a"], more);
    assert.deepEqual(states(items), ["delivered", "rejected", "delivered", "delivered"]);
    assert.equal(items[1].outcome.code, "connection-lost");
    // Bounded, and the connection is of use again.
    const publish = await app.call("POST", "/connections/home/publish?topic=c&qos=1", "x", {});
    assert.equal(publish.status, 200, publish.text);
    const { counters } = (await app.call("GET", "/connections/home")).body;
    assert.ok(counters.connects < 60, String(counters.connects));
  });
}

describe("messages of the outbox that a broker does not take", () => {
  itEnds(
    "one that ends the connection each time is rejected, and the others arrive",
    cannotBear("poison"),
    {},
    {},
  );

  itEnds(
    "also when the broker keeps the session, so that it is sent again and again",
    cannotBear("poison"),
    { sessionPresent: true },
    { cleanStart: false, properties: { sessionExpiryInterval: 3_600 } },
  );

  it("a refusal is final, and says why; one for want of room is not", async () => {
    let quota = 0;
    await using broker = await startScriptedBroker(
      opens({}, (peer) => {
        peer.answer("publish", ({ topic, messageId = 0 }) => {
          const busy = topic === "busy" && (quota += 1) === 1;
          const reasonCode = topic === "forbidden" ? 0x87 : busy ? 0x97 : 0;
          acknowledge(peer, "puback", messageId, { reasonCode, reasonString: "why" });
        });
      }),
    );
    await using place = durablePlace();
    const app = await place.start();
    const items = await fates(app, broker.url, ["forbidden", "busy", "a"]);
    assert.deepEqual(states(items), ["rejected", "delivered", "delivered"]);
    assert.equal(items[0].outcome.code, "broker-not-authorized");
    assert.equal(items[0].outcome.mqtt.reasonCode, 0x87);
    assert.equal(items[0].outcome.mqtt.reasonString, "why");
    assert.equal(quota, 2);
  });

  it("what the broker cannot take by its own limits is rejected when it comes back with them", async () => {
    let isSmall = false;
    await using broker = await startScriptedBroker(async (peer) => {
      const connack = isSmall ? { maximumQoS: 0 } : {};
      isSmall = true;
      await opens({ connack }, () => {})(peer);
      if (publishesAt(peer).length === 0 && connack.maximumQoS === undefined) {
        await peer.next("publish");
        peer.end();
      }
    });
    await using place = durablePlace();
    const app = await place.start();
    const items = await fates(app, broker.url, ["a"]);
    assert.deepEqual(states(items), ["rejected"]);
    assert.equal(items[0].outcome.code, "broker-limit");
  });

  it("the time of one goes on whose acknowledgement was lost along with the broker", async () => {
    await using broker = await startScriptedBroker(opens({}));
    await using place = durablePlace();
    const app = await place.start();
    const never = { minDelayMs: 60_000, maxDelayMs: 60_000 };
    const put = await app.call("PUT", "/connections/home", { url: broker.url, reconnect: never });
    assert.equal(put.status, 201, put.text);
    const away = await app.call("PUT", "/connections/away?wait=0", { url: "mqtt://127.0.0.1:9" });
    assert.equal(away.status, 202, away.text);
    await using events = await app.events("/events?types=expired");
    const queue = (id: string) =>
      app.call("POST", `/connections/${id}/publish?topic=a&queue=1`, { payload: "x" }, { "mqtt-qos": "1" });
    const { body } = await queue("home");
    const peer = await broker.connection(1);
    await peer.next("publish");
    // When the other one has expired, the time of the first is over, too, but for its being under way.
    await queue("away");
    assert.equal((await events.next("expired")).data["connection"], "away");
    peer.end();
    assert.equal((await events.next("expired")).data["message"], body.id);
  });

  it("the time of one goes on that a DELETE could not take out", async () => {
    const store = durableStore();
    await using app = await startApp({}, { store });
    for (const id of ["home", "away"]) {
      const put = await app.call("PUT", `/connections/${id}?wait=0`, { url: "mqtt://127.0.0.1:9" });
      assert.equal(put.status, 202, put.text);
    }
    await using events = await app.events("/events?types=expired");
    const queue = (id: string) => app.call("POST", `/connections/${id}/publish?topic=a&queue=1`, "x", {});
    const { body } = await queue("home");
    await queue("away");
    const { reached, letGo } = store.holdThose(removes("outbox/home"));
    const removed = app.call("DELETE", `/connections/home/outbox/${body.id}`);
    await reached;
    assert.equal((await events.next("expired")).data["connection"], "away");
    store.refusal = "unavailable";
    letGo();
    assert.equal((await removed).status, 503);
    store.refusal = null;
    assert.equal((await events.next("expired")).data["message"], body.id);
  });
});
