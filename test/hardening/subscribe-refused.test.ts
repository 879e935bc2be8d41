import assert from "node:assert/strict";
import type { ISubscription } from "mqtt-packet";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds, type Rig, timed } from "../support/invariants.ts";
import { subscribe, subscribedFilters, subscriptionPath } from "../support/message-calls.ts";
import { message, opens } from "../support/publish-scripts.ts";
import type { Script } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const reasonString = "not you";

/** What SUBACK may refuse with (MQTT 5 §3.9.3), and what the caller is told. */
const refusals = [
  [0x80, "Unspecified error", 502, "broker-rejected"],
  [0x83, "Implementation specific error", 502, "broker-rejected"],
  [0x87, "Not authorized", 403, "broker-not-authorized"],
  [0x8f, "Topic Filter invalid", 422, "broker-topic-refused"],
  [0x97, "Quota exceeded", 429, "broker-quota-exceeded"],
  [0x9e, "Shared Subscriptions not supported", 502, "broker-rejected"],
] as const;

/** Grants what is asked for, and answers "secret" with the code and a reason. */
function refusing(code: number): Script {
  return opens({}, (peer) => {
    peer.answer("subscribe", ({ messageId = 0, subscriptions }) => {
      const granted = subscriptions.map(({ topic, qos }: ISubscription) => (topic === "secret" ? code : qos));
      const properties = granted.includes(code) && code >= 0x80 ? { properties: { reasonString } } : {};
      peer.send({ cmd: "suback", messageId, granted, ...properties });
    });
  });
}

async function open(rig: Rig, script: Script, request: object = {}): Promise<ScriptedPeer> {
  const broker = await rig.broker(script);
  const opened = await rig.open({ id: "home", url: broker.url, ...request });
  assert.equal(opened.status, 201, opened.text);
  return broker.connection(1);
}

describe("S36: SUBACK", () => {
  for (const [reasonCode, reasonName, status, code] of refusals) {
    itHolds(`S36: 0x${reasonCode.toString(16)} is ${status} ${code}, and the others stay`, async (rig) => {
      const peer = await open(rig, refusing(reasonCode));
      await using events = await rig.app.events("/connections/home/events");
      assert.equal((await subscribe(rig, "good", { qos: 1 })).status, 201);
      const answer = await subscribe(rig, "secret", { qos: 1 });
      assertProblem(answer, status, code);
      assert.deepEqual(answer.body.mqtt, {
        packet: "suback",
        reasonCode,
        reasonName,
        reasonString,
        protocolVersion: "5",
      });
      const subscribed = await events.next("subscribed");
      assert.deepEqual([subscribed.data.topicFilter, subscribed.data.grantedQos], ["good", 1]);
      const { data } = await events.next("subscription-refused");
      assert.deepEqual([data.topicFilter, data.reasonCode, data.from], ["secret", reasonCode, "broker"]);
      assert.deepEqual(await subscribedFilters(rig), ["good"]);
      assertProblem(await rig.call("GET", subscriptionPath("secret")), 404, "not-found");
      peer.send(message("good", "still here"));
      const read = await rig.call("GET", "/connections/home/messages?wait=5");
      assert.equal(read.body.items[0]?.payload, "still here", read.text);
    });
  }

  itHolds("S36: 0x80 in version 3.1.1 is 502, with what it is called there", async (rig) => {
    await open(rig, refusing(0x80), { protocolVersion: "3.1.1" });
    const answer = await subscribe(rig, "secret", { qos: 1 });
    assertProblem(answer, 502, "broker-rejected");
    const { packet, reasonCode, protocolVersion } = answer.body.mqtt;
    assert.deepEqual([packet, reasonCode, protocolVersion], ["suback", 0x80, "3.1.1"]);
  });

  for (const protocolVersion of ["5", "3.1.1"]) {
    itHolds(`S36: a lower QoS is 201, and said in grantedQos (${protocolVersion})`, async (rig) => {
      await open(rig, accepts({}, { granted: () => 0 }), { protocolVersion });
      const answer = await subscribe(rig, "a", { qos: 2 });
      assert.equal(answer.status, 201, answer.text);
      const { topicFilter, qos, grantedQos, reasonCode } = answer.body;
      assert.deepEqual([topicFilter, qos, grantedQos, reasonCode], ["a", 2, 0, 0]);
      const read = await rig.call("GET", subscriptionPath("a"));
      assert.deepEqual([read.body.qos, read.body.grantedQos], [2, 0]);
    });
  }

  itHolds("S36: of a refused renewal the old subscription is left", async (rig) => {
    // MQTT 5 §3.8.4: a SUBSCRIBE replaces the one with the same filter; a refusal changes nothing.
    let code = 1;
    await open(rig, accepts({}, { granted: () => code }));
    assert.equal((await subscribe(rig, "a", { qos: 1 })).status, 201);
    code = 0x87;
    assertProblem(await subscribe(rig, "a", { qos: 2 }), 403, "broker-not-authorized");
    assert.deepEqual(await subscribedFilters(rig), ["a"]);
    assert.equal((await rig.call("GET", subscriptionPath("a"))).body.qos, 1);
  });

  itHolds("S36: a SUBACK that never comes is 504 at the deadline", async (rig) => {
    const peer = await open(
      rig,
      opens({}, (p) => p.answer("subscribe", () => {})),
    );
    const [answer, ms] = await timed(subscribe(rig, "a", {}, "?wait=1"));
    assertProblem(answer, 504, "acknowledgement-timeout");
    assert.ok(ms >= 980 && ms < 1_500, `${ms} ms`);
    assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
    assert.equal(peer.received.filter(({ cmd }) => cmd === "subscribe").length, 1);
  });

  itHolds("S36: the network connection goes before the SUBACK: the caller is told, and soon", async (rig) => {
    await open(
      rig,
      opens({}, async (peer) => {
        await new Promise<void>((resolve) => peer.answer("subscribe", () => resolve()));
        peer.reset();
      }),
      { reconnect: { minDelayMs: 60_000 } },
    );
    const [answer, ms] = await timed(subscribe(rig, "a"));
    assert.ok([502, 503].includes(answer.status), answer.text);
    assert.ok(ms < 3_000, `${ms} ms`);
    await viewWhen(rig.app, "home", ({ state }) => state === "waiting");
  });

  itHolds(
    "S36: a SUBACK with too few codes, too many, or one that does not exist is no success",
    async (rig) => {
      for (const granted of [[], [0, 0], [0x03], [0x55]]) {
        await open(
          rig,
          opens({}, (peer) => {
            peer.answer("subscribe", ({ messageId = 0 }) => {
              const codes = Buffer.from(granted);
              const head = [0x90, 3 + codes.length, messageId >> 8, messageId & 0xff, 0];
              peer.sendBytes(Buffer.concat([Buffer.from(head), codes]));
            });
          }),
          { reconnect: { enabled: false } },
        );
        const answer = await subscribe(rig, "a", {}, "?wait=1");
        assert.ok([502, 504].includes(answer.status), `${granted.join()}: ${answer.status} ${answer.text}`);
        assert.equal((await rig.call("DELETE", "/connections/home?force=true")).status, 200);
      }
    },
  );
});

describe("S36: UNSUBACK", () => {
  const unsubscribing = (code: number): Script =>
    opens({}, (peer) => {
      peer.answer("unsubscribe", ({ messageId = 0 }) => {
        const properties = code >= 0x80 ? { properties: { reasonString } } : {};
        peer.send({ cmd: "unsuback", messageId, granted: [code], ...properties });
      });
    });

  for (const code of [0x00, 0x11]) {
    itHolds(`S36: 0x${code.toString(16)} is 204, and the subscription is gone`, async (rig) => {
      await open(rig, unsubscribing(code));
      await subscribe(rig, "a");
      await subscribe(rig, "b");
      await using events = await rig.app.events("/connections/home/events");
      const answer = await rig.call("DELETE", subscriptionPath("a"));
      assert.deepEqual([answer.status, answer.text], [204, ""]);
      assert.equal((await events.next("unsubscribed")).data.topicFilter, "a");
      assert.deepEqual(await subscribedFilters(rig), ["b"]);
      assertProblem(await rig.call("DELETE", subscriptionPath("a")), 404, "not-found");
    });
  }

  itHolds("S36: 0x87 is 403, and the subscription stays", async (rig) => {
    const peer = await open(rig, unsubscribing(0x87));
    await subscribe(rig, "a", { qos: 1 });
    const answer = await rig.call("DELETE", subscriptionPath("a"));
    assertProblem(answer, 403, "broker-not-authorized");
    assert.deepEqual(answer.body.mqtt, {
      packet: "unsuback",
      reasonCode: 0x87,
      reasonName: "Not authorized",
      reasonString,
      protocolVersion: "5",
    });
    assert.deepEqual(await subscribedFilters(rig), ["a"]);
    assert.equal((await rig.call("GET", subscriptionPath("a"))).body.grantedQos, 1);
    peer.send(message("a", "x"));
    const read = await rig.call("GET", "/connections/home/messages?wait=5");
    assert.equal(read.body.items.length, 1, read.text);
  });

  itHolds("S36: in version 3.1.1, which has no codes, it is 204", async (rig) => {
    await open(rig, accepts(), { protocolVersion: "3.1.1" });
    await subscribe(rig, "a");
    assert.equal((await rig.call("DELETE", subscriptionPath("a"))).status, 204);
    assert.deepEqual(await subscribedFilters(rig), []);
  });

  itHolds("S36: an UNSUBACK that never comes is 504 at the deadline", async (rig) => {
    await open(
      rig,
      opens({}, (peer) => peer.answer("unsubscribe", () => {})),
    );
    await subscribe(rig, "a");
    const [answer, ms] = await timed(rig.call("DELETE", `${subscriptionPath("a")}?wait=1`));
    assertProblem(answer, 504, "acknowledgement-timeout");
    assert.ok(ms >= 980 && ms < 1_500, `${ms} ms`);
  });
});
