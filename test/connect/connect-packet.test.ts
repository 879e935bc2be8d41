import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

/** The CONNECT that the broker gets for a request, and the view that the caller gets. */
async function connectOf(rig: Rig, fields: object, connack: Parameters<typeof accepts>[0] = {}) {
  const broker = await rig.broker(accepts(connack));
  const answer = await rig.open({ id: "c", url: broker.url, ...fields });
  assert.equal(answer.status, 201, answer.text);
  const [connect] = (await broker.connection(1)).received;
  assert.ok(connect?.cmd === "connect");
  return { connect, broker, body: answer.body };
}

describe("CONNECT", () => {
  itHolds("by default: clean start, 60 seconds, no will", async (rig) => {
    const { connect, body } = await connectOf(rig, {});
    assert.equal(connect.clean, true);
    assert.equal(connect.keepalive, 60);
    assert.equal(connect.will, undefined);
    assert.equal(body.negotiated.keepAlive, 60);
  });

  itHolds("has every property as it was asked for", async (rig) => {
    const properties = {
      sessionExpiryInterval: 4_294_967_295,
      receiveMaximum: 7,
      maximumPacketSize: 70_000,
      topicAliasMaximum: 9,
      requestResponseInformation: true,
      requestProblemInformation: false,
      userProperties: { one: "1", two: ["2", "zwei"] },
    };
    const { connect, body } = await connectOf(rig, { properties, cleanStart: false });
    assert.equal(connect.clean, false);
    const { userProperties, ...rest } = properties;
    const { userProperties: sent, ...others } = connect.properties ?? {};
    assert.deepEqual({ ...others }, rest);
    assert.deepEqual({ ...sent }, userProperties);
    assert.deepEqual(body.request.properties, properties);
  });

  itHolds("authentication method and data; the data shows as true", async (rig) => {
    const data = { base64: Buffer.from(rig.canary).toString("base64") };
    const properties = { authenticationMethod: "PLAIN", authenticationData: data };
    const { connect, body } = await connectOf(rig, { properties }, { authenticationMethod: "PLAIN" });
    assert.equal(connect.properties?.authenticationMethod, "PLAIN");
    assert.equal(String(connect.properties.authenticationData), rig.canary);
    assert.equal(body.request.properties.authenticationData, true);
    assert.ok(!JSON.stringify(body).includes(data.base64));
  });

  itHolds("the will, with all of its properties", async (rig) => {
    const properties = {
      willDelayInterval: 5,
      messageExpiryInterval: 60,
      contentType: "text/plain",
      responseTopic: "answers",
      payloadFormatIndicator: 1,
      userProperties: { a: "b" },
    };
    const correlationData = { base64: "AP8=" };
    const { connect } = await connectOf(rig, {
      will: {
        topic: "gone",
        payload: "AAH/",
        payloadEncoding: "base64",
        qos: 2,
        retain: true,
        properties: { ...properties, correlationData },
      },
    });
    const { will } = connect;
    assert.equal(String(will?.topic), "gone");
    assert.deepEqual(Buffer.from(will?.payload ?? []), Buffer.from([0, 1, 255]));
    assert.equal(will?.qos, 2);
    assert.equal(will.retain, true);
    const {
      correlationData: sentData,
      userProperties,
      payloadFormatIndicator,
      ...rest
    } = will.properties ?? {};
    assert.deepEqual(Buffer.from(sentData ?? []), Buffer.from([0, 255]));
    assert.deepEqual({ ...userProperties }, { a: "b" });
    assert.equal(Number(payloadFormatIndicator), 1);
    const { userProperties: _u, payloadFormatIndicator: _p, ...expected } = properties;
    assert.deepEqual({ ...rest }, expected);
  });
});

describe("keepAlive", () => {
  itHolds("0: no PINGREQ of our own, and the view says 0", async (rig) => {
    const { connect, body, broker } = await connectOf(rig, { keepAlive: 0 });
    assert.equal(connect.keepalive, 0);
    assert.equal(body.negotiated.keepAlive, 0);
    assert.equal((await rig.call("POST", "/connections/c/ping")).status, 200);
    const pings = broker.peers[0]?.received.filter(({ cmd }) => cmd === "pingreq");
    assert.equal(pings?.length, 1);
  });

  itHolds("the broker's Server Keep Alive wins, also over 0", async (rig) => {
    const { body, broker } = await connectOf(rig, { keepAlive: 0 }, { serverKeepAlive: 1 });
    assert.equal(body.negotiated.keepAlive, 1);
    let pings = 0;
    await new Promise<void>((resolve) => {
      broker.peers[0]?.answer("pingreq", () => {
        pings += 1;
        broker.peers[0]?.send({ cmd: "pingresp" });
        if (pings === 2) resolve();
      });
    });
    assert.equal((await rig.call("GET", "/connections/c")).body.state, "connected");
  });
});

describe("limits of the broker", () => {
  itHolds("show in connack as they came, and in negotiated with the standard's defaults", async (rig) => {
    const sent = { topicAliasMaximum: 3, wildcardSubscriptionAvailable: false, responseInformation: "r/1" };
    const { body } = await connectOf(
      rig,
      {},
      { ...sent, userProperties: { k: "v" }, reasonString: "welcome" },
    );
    assert.deepEqual(body.connack.properties, {
      ...sent,
      userProperties: { k: "v" },
      reasonString: "welcome",
    });
    assert.equal(body.lastReason.text, "welcome");
    assert.deepEqual(body.negotiated, {
      keepAlive: 60,
      receiveMaximum: 65_535,
      maximumQoS: 2,
      retainAvailable: true,
      maximumPacketSize: 268_435_455,
      topicAliasMaximum: 3,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sessionExpiryInterval: 0,
    });
  });

  itHolds("the client id that the broker assigned is used again when it reconnects", async (rig) => {
    const fields = { clientId: "", reconnect: { minDelayMs: 10, maxDelayMs: 20 } };
    const { connect, body, broker } = await connectOf(rig, fields, { assignedClientIdentifier: "given-1" });
    assert.equal(connect.clientId, "");
    assert.equal(body.clientId, "given-1");
    await using events = await rig.app.events("/connections/c/events");
    broker.peers[0]?.reset();
    assert.equal((await events.next("connected")).data.clientId, "given-1");
    const [again] = (await broker.connection(2)).received;
    assert.equal(again?.cmd === "connect" && again.clientId, "given-1");
  });
});
