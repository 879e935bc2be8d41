import assert from "node:assert/strict";
import { accepts, inTurn } from "../support/broker-scripts.ts";
import { itHolds } from "../support/invariants.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";

const soon = { reconnect: { minDelayMs: 10, maxDelayMs: 20 } };
const refusing = (filter: string) => ({
  granted: ({ topic, qos }: { topic: string; qos: number }) => (topic === filter ? 0x87 : qos),
});

function subscriptionsAt(peer: ScriptedPeer) {
  return peer.received.flatMap((packet) => (packet.cmd === "subscribe" ? packet.subscriptions : []));
}

describe("subscriptions in the request", () => {
  itHolds("are made on connect, with their options; a refusal does not drop the others", async (rig) => {
    const broker = await rig.broker(accepts({}, refusing("secret/#")));
    const subscriptions = [
      { topicFilter: "a/+", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
      { topicFilter: "secret/#", qos: 2 },
      { topicFilter: "b", qos: 0 },
    ];
    assert.equal((await rig.open({ id: "s", url: broker.url, subscriptions })).status, 201);
    await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
    const outcomes = [await events.next(), await events.next(), await events.next()];
    while (outcomes.filter(({ type }) => type.startsWith("subscri")).length < 3)
      outcomes.push(await events.next());
    const said = outcomes.filter(({ type }) => type.startsWith("subscri"));
    assert.deepEqual(
      said.map(({ type, data }) => [type, data.topicFilter, data.reasonCode]),
      [
        ["subscribed", "a/+", 1],
        ["subscription-refused", "secret/#", 0x87],
        ["subscribed", "b", 0],
      ],
    );
    assert.equal(said[1]?.data.reasonName, "Not authorized");
    assert.equal(said[1]?.data.from, "broker");
    assert.equal(said[0]?.data.grantedQos, 1);
    const peer = await broker.connection(1);
    const [first] = subscriptionsAt(peer);
    assert.deepEqual({ ...first }, { topic: "a/+", qos: 1, nl: true, rap: true, rh: 2 });
    assert.equal((await rig.call("GET", "/connections/s")).body.state, "connected");
  });

  itHolds("without a session they are made again after a reconnect, the refused one too", async (rig) => {
    const broker = await rig.broker(inTurn(accepts({}, refusing("b")), accepts()));
    const subscriptions = [{ topicFilter: "a", qos: 1 }, { topicFilter: "b" }];
    await rig.open({ id: "s", url: broker.url, subscriptions, ...soon });
    await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
    await events.next("subscription-refused");
    broker.peers[0]?.reset();
    await events.next("connected");
    assert.equal((await events.next("subscribed")).data.topicFilter, "a");
    assert.equal((await events.next("subscribed")).data.topicFilter, "b");
    assert.deepEqual(
      subscriptionsAt(broker.peers[1]!).map(({ topic, qos }) => [topic, qos]),
      [
        ["a", 1],
        ["b", 0],
      ],
    );
  });

  itHolds("with the session still there, only what was refused is tried again", async (rig) => {
    const broker = await rig.broker(
      inTurn(accepts({}, refusing("b")), accepts({}, { sessionPresent: true })),
    );
    const subscriptions = [{ topicFilter: "a", qos: 1 }, { topicFilter: "b" }];
    const session = { cleanStart: false, properties: { sessionExpiryInterval: 60 } };
    await rig.open({ id: "s", url: broker.url, subscriptions, ...session, ...soon });
    await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
    await events.next("subscription-refused");
    broker.peers[0]?.reset();
    assert.equal((await events.next("connected")).data.sessionPresent, true);
    assert.equal((await events.next("subscribed")).data.topicFilter, "b");
    assert.deepEqual(
      subscriptionsAt(broker.peers[1]!).map(({ topic }) => topic),
      ["b"],
    );
  });

  itHolds("250 of them come in packets of at most 100, and all are answered", async (rig) => {
    const broker = await rig.broker(accepts());
    const subscriptions = Array.from({ length: 250 }, (_, i) => ({ topicFilter: `t/${i}` }));
    await rig.open({ id: "s", url: broker.url, subscriptions });
    await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
    for (const { topicFilter } of subscriptions)
      assert.equal((await events.next("subscribed")).data.topicFilter, topicFilter);
    const packets = broker.peers[0]!.received.filter(({ cmd }) => cmd === "subscribe");
    assert.equal(packets.length, 3);
  });

  itHolds("what the broker has said it cannot do is not sent to it", async (rig) => {
    const broker = await rig.broker(
      accepts({ wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false }),
    );
    const subscriptions = [{ topicFilter: "a/#" }, { topicFilter: "$share/g/a" }, { topicFilter: "plain" }];
    await rig.open({ id: "s", url: broker.url, subscriptions });
    await using events = await rig.app.events("/connections/s/events?lastEventId=earliest");
    const wildcard = await events.next("subscription-refused");
    assert.deepEqual([wildcard.data.reasonCode, wildcard.data.from], [0xa2, "client"]);
    assert.equal((await events.next("subscription-refused")).data.reasonCode, 0x9e);
    await events.next("subscribed");
    assert.deepEqual(
      subscriptionsAt(broker.peers[0]!).map(({ topic }) => topic),
      ["plain"],
    );
  });

  itHolds("a broker that never answers SUBSCRIBE does not stop the rest", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await accepts()(peer);
      peer.answer("subscribe", () => {});
    });
    const opened = await rig.open({ id: "s", url: broker.url, subscriptions: [{ topicFilter: "a" }] });
    assert.equal(opened.status, 201);
    assert.equal((await rig.call("POST", "/connections/s/ping")).status, 200);
    assert.equal((await rig.call("DELETE", "/connections/s?drainMs=100")).status, 200);
  });
});
