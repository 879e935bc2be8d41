import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

type Row = readonly [name: string, request: object, pointer: string];

function table(fault: string, rows: readonly Row[]): void {
  for (const [name, fields, pointer] of rows) {
    itHolds(`${fault} ${name}: 422 at ${pointer}`, async (rig) => {
      const broker = await rig.broker(accepts());
      const answer = await rig.open({ url: broker.url, ...fields });
      assertProblem(answer, 422, "invalid-request");
      const pointers = answer.body.errors.map((error: { pointer: string }) => error.pointer);
      assert.ok(pointers.includes(pointer), answer.text);
      assert.ok(answer.text.length < 2_000, "the answer repeats the value");
      assert.equal(broker.peers.length, 0);
    });
  }
}

const will = (fields: object) => ({ will: { topic: "a/b", payload: "x", ...fields } });
const properties = (fields: object) => ({ properties: fields });

describe("S20: client ids", () => {
  table("S20", [
    ["70,000 bytes", { clientId: "x".repeat(70_000) }, "/clientId"],
    ["65,536 bytes in fewer characters", { clientId: "é".repeat(32_768) }, "/clientId"],
    ["NUL", { clientId: "a\u0000b" }, "/clientId"],
    ["a lone surrogate", { clientId: "a\ud800b" }, "/clientId"],
    ["24 bytes with 3.1", { clientId: "x".repeat(24), protocolVersion: "3.1" }, "/clientId"],
    ["a number", { clientId: 7 }, "/clientId"],
  ]);

  itHolds("S20 65,535 bytes are allowed", async (rig) => {
    const broker = await rig.broker(accepts());
    const clientId = "x".repeat(65_535);
    const answer = await rig.open({ url: broker.url, clientId });
    assert.equal(answer.status, 201, answer.text);
    const peer = await broker.connection(1);
    assert.equal(peer.received[0]?.cmd === "connect" && peer.received[0].clientId, clientId);
  });
});

describe("S21: numbers and topics out of range", () => {
  table("S21", [
    ["keepAlive 70000", { keepAlive: 70_000 }, "/keepAlive"],
    ["keepAlive -1", { keepAlive: -1 }, "/keepAlive"],
    ["keepAlive 1.5", { keepAlive: 1.5 }, "/keepAlive"],
    [
      "sessionExpiryInterval -1",
      properties({ sessionExpiryInterval: -1 }),
      "/properties/sessionExpiryInterval",
    ],
    [
      "sessionExpiryInterval 2^32",
      properties({ sessionExpiryInterval: 2 ** 32 }),
      "/properties/sessionExpiryInterval",
    ],
    ["receiveMaximum 0", properties({ receiveMaximum: 0 }), "/properties/receiveMaximum"],
    ["maximumPacketSize 0", properties({ maximumPacketSize: 0 }), "/properties/maximumPacketSize"],
    ["topicAliasMaximum 65536", properties({ topicAliasMaximum: 65_536 }), "/properties/topicAliasMaximum"],
    [
      "authenticationData without its method",
      properties({ authenticationData: "x" }),
      "/properties/authenticationData",
    ],
    ["will QoS 3", will({ qos: 3 }), "/will/qos"],
    ["will topic a/#", will({ topic: "a/#" }), "/will/topic"],
    ["will topic a/+", will({ topic: "a/+" }), "/will/topic"],
    ["an empty will topic", will({ topic: "" }), "/will/topic"],
    ["a will of 70,000 bytes", will({ payload: "x".repeat(70_000) }), "/will/payload"],
    ["will payload not base64", will({ payload: "%%", payloadEncoding: "base64" }), "/will/payload"],
    [
      "a response topic with wildcards",
      will({ properties: { responseTopic: "a/#" } }),
      "/will/properties/responseTopic",
    ],
    ["connectTimeoutMs 99", { connectTimeoutMs: 99 }, "/connectTimeoutMs"],
    ["connectTimeoutMs 60001", { connectTimeoutMs: 60_001 }, "/connectTimeoutMs"],
    ["reconnect.maxAttempts 0", { reconnect: { maxAttempts: 0 } }, "/reconnect/maxAttempts"],
    [
      "minDelayMs over maxDelayMs",
      { reconnect: { minDelayMs: 100, maxDelayMs: 50 } },
      "/reconnect/minDelayMs",
    ],
    ["subscription QoS 3", { subscriptions: [{ topicFilter: "a", qos: 3 }] }, "/subscriptions/0/qos"],
    ["subscription a#", { subscriptions: [{ topicFilter: "a#" }] }, "/subscriptions/0/topicFilter"],
    ["protocolVersion 5 as a number", { protocolVersion: 5 }, "/protocolVersion"],
    ["password that is not base64", { password: "%%%", passwordEncoding: "base64" }, "/password"],
    ["a password of 65,536 bytes", { username: "u", password: "x".repeat(65_536) }, "/password"],
    ["bindAddress that is a name", { bindAddress: "localhost" }, "/bindAddress"],
    [
      "17 labels",
      { labels: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`l${i}`, ""])) },
      "/labels",
    ],
    ["tls with mqtt://", { tls: {} }, "/tls"],
    ["websocket with mqtt://", { websocket: {} }, "/websocket"],
    ["an id with a slash", { id: "a/b" }, "/id"],
    ["the id ..", { id: ".." }, "/id"],
  ]);
});

describe("S22: what a protocol version does not have", () => {
  table("S22", [
    [
      "3.1.1, cleanStart false, client id empty",
      { protocolVersion: "3.1.1", cleanStart: false, clientId: "" },
      "/clientId",
    ],
    ["3.1, client id empty", { protocolVersion: "3.1", clientId: "" }, "/clientId"],
    ["3.1.1 with properties", { protocolVersion: "3.1.1", properties: { receiveMaximum: 2 } }, "/properties"],
    [
      "3.1.1 with will properties",
      { protocolVersion: "3.1.1", ...will({ properties: { contentType: "a" } }) },
      "/will/properties",
    ],
    [
      "3.1.1 with noLocal",
      { protocolVersion: "3.1.1", subscriptions: [{ topicFilter: "a", noLocal: true }] },
      "/subscriptions/0/noLocal",
    ],
    [
      "3.1.1, password without username",
      { protocolVersion: "3.1.1", password: "x", username: undefined },
      "/password",
    ],
  ]);
});
