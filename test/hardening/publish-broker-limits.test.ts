import assert from "node:assert/strict";
import type { Answer } from "../support/app.ts";
import { inTurn } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { publish, publishJson, subscribe } from "../support/message-calls.ts";
import { acknowledgesWith, opens, publishesAt } from "../support/publish-scripts.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const connack = { receiveMaximum: 2, maximumPacketSize: 256, maximumQoS: 1, retainAvailable: false };

async function open(rig: Rig, properties: object = connack): Promise<ScriptedPeer> {
  const broker = await rig.broker(opens({ connack: properties }, (peer) => acknowledgesWith(peer)));
  const opened = await rig.open({ id: "home", url: broker.url });
  assert.equal(opened.status, 201, opened.text);
  return broker.connection(1);
}

function assertLimit(answer: Answer, name: string, value?: number): void {
  assertProblem(answer, 422, "broker-limit");
  assert.equal(answer.body.limit.name, name, answer.text);
  if (value !== undefined) assert.equal(answer.body.limit.value, value, answer.text);
}

/** Whatever was refused was not sent, and the network connection is the first. */
async function assertUntouched(rig: Rig, peer: ScriptedPeer, sent: number): Promise<void> {
  assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
  assert.equal(publishesAt(peer).length, sent);
  assert.ok(!peer.received.some(({ cmd }) => cmd === "subscribe"));
  const { body: view } = await rig.call("GET", "/connections/home");
  assert.deepEqual([view.state, view.counters.connects, view.counters.inflight], ["connected", 1, 0]);
}

describe("S10: limits that the broker announced in CONNACK", () => {
  itHolds("S10: the view shows them, and a publish over each is 422 before anything is sent", async (rig) => {
    const peer = await open(rig);
    const { negotiated } = (await rig.call("GET", "/connections/home")).body;
    for (const [name, value] of Object.entries(connack)) assert.equal(negotiated[name], value, name);
    assertLimit(await publish(rig, "t", "x", "&qos=2"), "maximumQoS", 1);
    assertLimit(await publishJson(rig, { topic: "t", payload: "x", qos: 2 }), "maximumQoS", 1);
    assertLimit(await publish(rig, "t", "x", "&retain=true"), "retainAvailable");
    assertLimit(await publish(rig, "t", "", "&retain=true"), "retainAvailable");
    assertLimit(await publish(rig, "t", "x".repeat(300)), "maximumPacketSize", 256);
    assertLimit(await publish(rig, "t", "x".repeat(300), "&qos=1"), "maximumPacketSize", 256);
    assertLimit(await publish(rig, "t", "x", "&topicAlias=1"), "topicAliasMaximum", 0);
    await assertUntouched(rig, peer, 0);
  });

  itHolds("S10: the packet counts, to the byte: with topic, properties and header", async (rig) => {
    const peer = await open(rig);
    // Two bytes of header and length less than 128, three more; topic "t" 3, identifier 2, properties 1.
    const contentType = { properties: { contentType: "y".repeat(50) } };
    const fits: readonly object[] = [
      { topic: "t", payload: "x".repeat(256 - 3 - 3 - 2 - 1), qos: 1 },
      { topic: "t", payload: "x".repeat(256 - 3 - 3 - 1), qos: 0 },
      { topic: "t".repeat(200), payload: "x".repeat(256 - 3 - 202 - 2 - 1), qos: 1 },
      { topic: "t", payload: "x".repeat(256 - 3 - 3 - 2 - 1 - 53), qos: 1, ...contentType },
    ];
    for (const message of fits) {
      const answer = await publishJson(rig, message);
      assert.ok(answer.status === 200 || answer.status === 202, answer.text);
      const { payload } = message as { payload: string };
      const larger = { ...message, payload: `${payload}x` };
      assertLimit(await publishJson(rig, larger), "maximumPacketSize", 256);
    }
    await assertUntouched(rig, peer, fits.length);
  });

  itHolds("S10: in an array only what is over a limit fails", async (rig) => {
    const peer = await open(rig);
    const messages = [
      { topic: "a", payload: "x", qos: 1 },
      { topic: "b", payload: "x", qos: 2 },
      { topic: "c", payload: "x", qos: 1, retain: true },
      { topic: "d", payload: "x".repeat(300), qos: 1 },
      { topic: "e", payload: "x", qos: 1 },
    ];
    const answer = await publishJson(rig, JSON.stringify(messages));
    assert.equal(answer.status, 207, answer.text);
    assert.deepEqual(
      answer.body.results.map(({ status }: { status: number }) => status),
      [200, 422, 422, 422, 200],
    );
    await assertUntouched(rig, peer, 2);
  });

  itHolds(
    "S10: subscriptions that the broker said it cannot do are 422 before anything is sent",
    async (rig) => {
      const peer = await open(rig, {
        wildcardSubscriptionAvailable: false,
        sharedSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        maximumPacketSize: 256,
      });
      assertLimit(await subscribe(rig, "a/+"), "wildcardSubscriptionAvailable");
      assertLimit(await subscribe(rig, "#"), "wildcardSubscriptionAvailable");
      assertLimit(await subscribe(rig, "$share/g/a"), "sharedSubscriptionAvailable");
      assertLimit(
        await subscribe(rig, "a", { subscriptionIdentifier: 1 }),
        "subscriptionIdentifiersAvailable",
      );
      assertLimit(await subscribe(rig, "a".repeat(300)), "maximumPacketSize", 256);
      const userProperties = { a: "x".repeat(300) };
      assertLimit(await subscribe(rig, "a", { userProperties }), "maximumPacketSize", 256);
      const path = "/connections/home/messages?subscribe=";
      assertLimit(
        await rig.call("GET", `${path}${encodeURIComponent("a/#")}`),
        "wildcardSubscriptionAvailable",
      );
      await assertUntouched(rig, peer, 0);
    },
  );

  itHolds(
    "S10: subscriptions of the request that are too large are refused, and the others made",
    async (rig) => {
      const broker = await rig.broker(opens({ connack: { maximumPacketSize: 256 } }));
      const long = "a".repeat(300);
      const subscriptions = [
        { topicFilter: long },
        { topicFilter: "b", userProperties: { a: "x".repeat(300) } },
        { topicFilter: "c" },
      ];
      assert.equal((await rig.open({ id: "home", url: broker.url, subscriptions })).status, 201);
      await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
      assert.equal((await events.next("subscribed")).data.topicFilter, "c");
      const refused = events.seen.filter(({ type }) => type === "subscription-refused");
      assert.deepEqual(
        refused.map(({ data }) => [data.topicFilter, data.reasonCode, data.from]),
        [
          [long, 0x95, "client"],
          ["b", 0x95, "client"],
        ],
      );
      const sent = (await broker.connection(1)).received.flatMap((packet) =>
        packet.cmd === "subscribe" ? packet.subscriptions.map(({ topic }) => topic) : [],
      );
      assert.deepEqual(sent, ["c"]);
    },
  );

  itHolds("S10: a SUBSCRIBE that just fits is sent", async (rig) => {
    await open(rig, { maximumPacketSize: 256 });
    // Three bytes of header and length, identifier 2, properties 1, filter 2 and itself, options 1.
    const answer = await subscribe(rig, "a".repeat(256 - 3 - 2 - 1 - 2 - 1));
    assert.equal(answer.status, 201, answer.text);
    assertLimit(await subscribe(rig, "a".repeat(256 - 3 - 2 - 1 - 2)), "maximumPacketSize", 256);
  });

  itHolds("S10: topic aliases up to the broker's maximum are sent, and not beyond", async (rig) => {
    const peer = await open(rig, { topicAliasMaximum: 3 });
    assert.equal((await publish(rig, "t", "x", "&qos=1&topicAlias=3")).status, 200);
    assert.equal(publishesAt(peer)[0]?.properties?.topicAlias, 3);
    assertLimit(await publish(rig, "t", "x", "&qos=1&topicAlias=4"), "topicAliasMaximum", 3);
    await assertUntouched(rig, peer, 1);
  });

  itHolds("S10: limits are those of the CONNACK that holds, not of an earlier one", async (rig) => {
    const broker = await rig.broker(
      inTurn(
        opens({ connack }, (peer) => acknowledgesWith(peer)),
        opens({}, (peer) => acknowledgesWith(peer)),
        opens({ connack }, (peer) => acknowledgesWith(peer)),
      ),
    );
    await rig.open({ id: "home", url: broker.url });
    assertLimit(await publish(rig, "t", "x", "&qos=2"), "maximumQoS", 1);
    assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
    assert.equal((await publish(rig, "t", "x".repeat(300), "&qos=2&retain=true")).status, 200);
    assert.equal((await rig.call("POST", "/connections/home/reconnect")).status, 200);
    assertLimit(await publish(rig, "t", "x".repeat(300)), "maximumPacketSize", 256);
  });

  for (const [what, bytes, query] of [
    ["is too large", 300, "&qos=1"],
    ["has too high a QoS", 1, "&qos=2"],
    ["is to be retained", 1, "&qos=1&retain=true"],
  ] as const) {
    itHolds(`S10: what is in flight and ${what} for the next CONNACK is not sent, and told`, async (rig) => {
      const session = { clientId: "c10", cleanStart: false, properties: { sessionExpiryInterval: 3_600 } };
      const again = opens({ sessionPresent: true, connack }, (peer) => acknowledgesWith(peer));
      const broker = await rig.broker(inTurn(opens({}), again));
      await rig.open({ id: "home", url: broker.url, reconnect: { minDelayMs: 10 }, ...session });
      const over = publish(rig, "t", "x".repeat(bytes), `${query}&wait=5`);
      const fits = publish(rig, "t", "fits", "&qos=1&wait=5");
      const first = await broker.connection(1);
      await first.next("publish");
      await first.next("publish");
      first.reset();
      // It must not be sent (MQTT 5 §3.2.2.3); whether it has arrived the first time, nobody knows.
      const answer = await over;
      assertProblem(answer, 502, "connection-lost");
      assert.equal(answer.body.duplicatePossible, true, answer.text);
      assert.equal((await fits).status, 200, (await fits).text);
      assert.deepEqual(
        publishesAt(await broker.connection(2)).map(({ payload }) => String(payload)),
        ["fits"],
      );
      assert.equal((await rig.call("GET", "/connections/home")).body.counters.inflight, 0);
    });
  }
});
