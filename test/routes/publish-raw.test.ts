import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { publishBytes } from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient, nextMessage } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { publishesAt } from "../support/publish-scripts.ts";
import { openHome, post } from "../support/raw-publish.ts";
import { describe, it } from "../support/test.ts";

const hello = Buffer.from("hello");

describe("POST …/publish?topic=", () => {
  it(
    "the body is the payload, byte for byte, up to 1 MiB",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      await using reader = await connectClient(broker.url, { protocolVersion: 5 });
      await reader.subscribeAsync("bytes/#", { qos: 2 });
      assert.equal((await app.open({ id: "home", url: broker.url })).status, 201);
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const mebibyte = new Uint8Array(1_048_576).map((_, at) => (at * 7 + (at >> 8)) & 0xff);
      for (const [qos, payload] of [
        [0, all],
        [1, all],
        [2, mebibyte],
        [1, new Uint8Array()],
      ] as const) {
        const message = nextMessage(reader);
        const answer = await publishBytes(app, "bytes/é", payload, `&qos=${qos}`);
        assert.equal(answer.status, qos === 0 ? 202 : 200, answer.text);
        const { topic, payload: arrived } = await message;
        assert.equal(topic, "bytes/é");
        assert.ok(arrived.equals(payload), `${payload.length} bytes at QoS ${qos} came as others`);
      }
    },
    { skip: needs("mosquitto") },
  );

  it(
    "an empty body with retain clears",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      assert.equal((await app.open({ id: "home", url: broker.url })).status, 201);
      await publishBytes(app, "kept", new Uint8Array([1]), "&retain&qos=1");
      assert.equal((await app.call("GET", "/connections/home/retained?topic=kept")).status, 200);
      const answer = await publishBytes(app, "kept", new Uint8Array(), "&retain=true&qos=1");
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await app.call("GET", "/connections/home/retained?topic=kept&wait=0.5")).status, 404);
    },
    { skip: needs("mosquitto") },
  );

  itHolds("answers 202 at QoS 0, and with the acknowledgement at 1 and 2", async (rig) => {
    await openHome(rig);
    const qos0 = await post(rig, "?topic=a", hello);
    assert.equal(qos0.status, 202);
    assert.deepEqual(qos0.body, { qos: 0 });
    assert.equal(qos0.headers.get("content-type"), "application/json");
    for (const [qos, id] of [
      [1, 1],
      [2, 2],
    ] as const) {
      const { status, body } = await post(rig, `?topic=a&qos=${qos}`, hello);
      assert.equal(status, 200);
      const { ms, ...rest } = body;
      assert.deepEqual(rest, { reasonCode: 0, reasonName: "Success", packetId: id });
      assert.ok(ms > 0 && String(ms).split(".").at(-1)!.length <= 4, `${ms} ms`);
    }
  });

  itHolds("reads a body that comes in chunks, without a length", async (rig) => {
    const peer = await openHome(rig);
    const chunks = new Blob(["one ", "two"]).stream();
    assert.equal((await post(rig, "?topic=a&qos=1", chunks)).status, 200);
    assert.equal(String(publishesAt(peer)[0]?.payload), "one two");
  });

  itHolds("whatever the media type is, JSON and lines too, it is the payload", async (rig) => {
    const peer = await openHome(rig);
    for (const type of ["application/json", "application/x-ndjson", "text/html"])
      assert.equal((await post(rig, "?topic=a&qos=1", hello, { "content-type": type })).status, 200);
    for (const packet of publishesAt(peer)) assert.equal(String(packet.payload), "hello");
  });

  itHolds("an unknown connection: 404", async (rig) => {
    assertProblem(await post(rig, "?topic=a", hello), 404, "not-found");
  });

  itHolds("GET: 405 that names POST", async (rig) => {
    const answer = await rig.call("GET", "/connections/bystander/publish");
    assertProblem(answer, 405, "method-not-allowed");
    assert.equal(answer.headers.get("allow"), "POST");
  });

  itHolds("neither topic nor media type: 422 that says what is missing", async (rig) => {
    await openHome(rig);
    for (const body of [null, hello]) {
      const answer = await post(rig, "", body);
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, "topic");
    }
    const curls = { "content-type": "application/x-www-form-urlencoded" };
    assertProblem(await post(rig, "", hello, curls), 422, "invalid-request");
  });

  itHolds("no topic and a media type that is no message: 415 that names the three forms", async (rig) => {
    await openHome(rig);
    for (const type of ["text/plain", "application/jsonl"]) {
      const answer = await post(rig, "", hello, { "content-type": type });
      assertProblem(answer, 415, "unsupported-media-type");
      for (const form of ["?topic=", "application/json", "application/x-ndjson"])
        assert.ok(answer.body.detail.includes(form), answer.body.detail);
    }
  });

  itHolds("wait bounds the acknowledgement, by query over Prefer", async (rig) => {
    const broker = await rig.broker(async (peer) => {
      await peer.next("connect");
      peer.send({ cmd: "connack", reasonCode: 0, sessionPresent: false });
    });
    await rig.open({ id: "home", url: broker.url });
    const answer = await post(rig, "?topic=a&qos=1&wait=0.2", hello, { prefer: "wait=50" });
    assertProblem(answer, 504, "acknowledgement-timeout");
    assert.equal(answer.body.duplicatePossible, true);
    assert.equal(answer.headers.get("preference-applied"), null);
    const preferred = await post(rig, "?topic=a&qos=1", hello, { prefer: "wait=0" });
    assertProblem(preferred, 504, "acknowledgement-timeout");
    await (await broker.connection(1)).next("publish");
  });
});
