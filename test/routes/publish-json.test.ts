import assert from "node:assert/strict";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publishJson } from "../support/message-calls.ts";
import { acknowledge, opens, publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe } from "../support/test.ts";

describe("POST …/publish with JSON", () => {
  itHolds("publishes one message, in each encoding of its payload", async (rig) => {
    const peer = await openHome(rig);
    for (const [fields, bytes] of [
      [{ payload: "é" }, Buffer.from("é")],
      [{ payload: "AP8=", payloadEncoding: "base64" }, Buffer.from([0, 255])],
      [{ payload: { a: [1, null] }, payloadEncoding: "json" }, Buffer.from(`{"a":[1,null]}`)],
      [{}, Buffer.alloc(0)],
    ] as const) {
      const answer = await publishJson(rig, { topic: "a/b", qos: 1, ...fields });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.reasonName, "Success");
      const packet = publishesAt(peer).at(-1);
      assert.equal(packet?.topic, "a/b");
      assert.ok(bytes.equals(packet?.payload as Buffer), JSON.stringify(fields));
    }
    assert.deepEqual((await publishJson(rig, { topic: "a" })).body, { qos: 0 });
  });

  itHolds("with all that a message has", async (rig) => {
    const peer = await openHome(rig);
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      contentType: "t",
      responseTopic: "r",
      correlationData: { base64: "/w==" },
      userProperties: { a: ["1", "2"], b: "3" },
    };
    const answer = await publishJson(rig, { topic: "a", qos: 2, retain: true, properties });
    assert.equal(answer.status, 200, answer.text);
    const packet = publishesAt(peer)[0];
    assert.deepEqual([packet?.qos, packet?.retain], [2, true]);
    const { userProperties, ...rest } = packet?.properties ?? {};
    assert.deepEqual({ ...userProperties }, { a: ["1", "2"], b: "3" });
    assert.deepEqual(rest, {
      payloadFormatIndicator: true,
      messageExpiryInterval: 60,
      contentType: "t",
      responseTopic: "r",
      correlationData: Buffer.from([255]),
    });
  });

  for (const [name, body, pointer] of [
    ["an unknown field", { topic: "a", bla: 1 }, "/bla"],
    ["a wrong property", { topic: "a", properties: { contentType: 1 } }, "/properties/contentType"],
    ["__proto__", `{"topic":"a","__proto__":{}}`, "/__proto__"],
    ["a lone surrogate", `{"topic":"a","payload":"\\ud800"}`, "/payload"],
    ["an empty array", [], ""],
    ["1,001 messages", Array.from({ length: 1_001 }, () => ({ topic: "a" })), ""],
  ] as const) {
    itHolds(`${name}: 422 that points at it`, async (rig) => {
      const peer = await openHome(rig);
      const answer = await publishJson(rig, body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].pointer, pointer);
      assert.equal(publishesAt(peer).length, 0);
    });
  }

  for (const [name, body] of [
    ["nothing", ""],
    ["half of it", `{"topic":`],
    ["bytes that are not UTF-8", Buffer.from(`{"topic":"\xe9"}`, "latin1")],
  ] as const) {
    itHolds(`not JSON: 400: ${name}`, async (rig) => {
      await openHome(rig);
      const answer = await post(rig, "", Buffer.from(body), { "content-type": "application/json" });
      assertProblem(answer, 400, "malformed-request");
    });
  }

  itHolds("options elsewhere are refused, and not silently ignored", async (rig) => {
    await openHome(rig);
    const byHeader = await rig.call("POST", "/connections/home/publish", { topic: "a" }, { "Mqtt-Qos": "1" });
    assertProblem(byHeader, 422, "invalid-request");
    assert.equal(byHeader.body.errors[0].parameter, "mqtt-qos");
    const byQuery = await publishJson(rig, { topic: "a" }, "?qos=1");
    assertProblem(byQuery, 422, "invalid-request");
    assert.equal(byQuery.body.errors[0].parameter, "qos");
  });

  itHolds("on 3.1.1 a property is refused with its pointer", async (rig) => {
    await openHome(rig, { protocolVersion: "3.1.1" });
    const answer = await publishJson(rig, { topic: "a", properties: { contentType: "t" } });
    assertProblem(answer, 422, "invalid-request");
    assert.equal(answer.body.errors[0].pointer, "/properties/contentType");
  });

  itHolds("an array: a result for each, in order, whatever became of the others", async (rig) => {
    const peer = await openHome(rig);
    const answer = await publishJson(rig, [
      { topic: "a", payload: "1", qos: 1 },
      { topic: "#" },
      { topic: "b", payload: "2" },
      { topic: "c", bla: 1, qos: 3 },
      { topic: "d", payload: "4", qos: 2 },
      "x",
    ]);
    assert.equal(answer.status, 207, answer.text);
    const { results } = answer.body;
    assert.deepEqual(
      results.map(({ status }: { status: number }) => status),
      [200, 422, 202, 422, 200, 422],
    );
    assert.deepEqual(results[2], { status: 202, qos: 0 });
    assert.deepEqual(Object.keys(results[0]), ["status", "reasonCode", "reasonName", "packetId", "ms"]);
    assert.equal(results[1].code, "invalid-request");
    assert.equal(results[1].instance, undefined);
    assert.equal(results[1].errors[0].pointer, "/1/topic");
    assert.deepEqual(results[3].errors.map(({ pointer }: { pointer: string }) => pointer).toSorted(), [
      "/3/bla",
      "/3/qos",
    ]);
    assert.equal(results[5].errors[0].pointer, "/5");
    assert.deepEqual(
      publishesAt(peer).map(({ topic }) => topic),
      ["a", "b", "d"],
    );
  });

  itHolds("an array is sent without waiting for acknowledgements, and each has its own", async (rig) => {
    const broker = await rig.broker(
      opens({}, async (peer) => {
        const ids = [];
        for (let i = 0; i < 3; i += 1) ids.push((await peer.next("publish")).messageId ?? 0);
        acknowledge(peer, "puback", ids[2] ?? 0);
        acknowledge(peer, "puback", ids[0] ?? 0, { reasonCode: 0x87, reasonString: "no" });
      }),
    );
    await rig.open({ id: "home", url: broker.url });
    const three = [1, 2, 3].map((n) => ({ topic: "a", payload: String(n), qos: 1 }));
    const { status, body } = await publishJson(rig, three, "?wait=0.3");
    assert.equal(status, 207);
    const [refused, late, taken] = body.results;
    assert.equal(refused.code, "broker-not-authorized");
    assert.deepEqual([refused.status, refused.mqtt.reasonString], [403, "no"]);
    assert.equal(late.code, "acknowledgement-timeout");
    assert.deepEqual([late.status, late.duplicatePossible], [504, true]);
    assert.equal(taken.status, 200);
  });
});
