import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { accepts } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import {
  decoded,
  messages,
  payloadBytes,
  publish,
  publishBytes,
  publishJson,
  subscribe,
} from "../support/message-calls.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { connectClient, nextMessage } from "../support/mqtt-client.ts";
import { needs } from "../support/needs.ts";
import { acknowledgesWith, message, opens, publishesAt } from "../support/publish-scripts.ts";
import { describe } from "../support/test.ts";

const MiB = 1_048_576;
const random = (bytes: number) => randomFillSync(new Uint8Array(bytes));
const real = { skip: needs("mosquitto") };

describe("payloads of every size", () => {
  itHolds(
    "1 MiB of bytes go to a real broker and come back as they were",
    async (rig) => {
      await using broker = await startMosquitto();
      await using listener = await connectClient(broker.url, { protocolVersion: 5 });
      await listener.subscribeAsync("t", { qos: 1 });
      await rig.open({ id: "home", url: broker.url });
      assert.equal((await subscribe(rig, "t", { qos: 2 })).status, 201);
      const sent = random(MiB);
      const heard = nextMessage(listener);
      const answer = await publishBytes(rig.app, "t", sent, "&qos=2");
      assert.equal(answer.status, 200, answer.text);
      assert.ok((await heard).payload.equals(sent), "another client has heard something else");
      const [back] = await messages(rig, 1);
      assert.equal(back.payloadEncoding, "base64");
      assert.ok(decoded(back).equals(sent), "base64");
      assert.ok((await payloadBytes(rig.app, back.id)).bytes.equals(sent), "raw");
    },
    real,
  );

  itHolds(
    "nothing at all is a payload too, and with retain it clears",
    async (rig) => {
      await using broker = await startMosquitto();
      await rig.open({ id: "home", url: broker.url });
      await subscribe(rig, "t", { qos: 1 });
      assert.equal((await publish(rig, "t", "", "&qos=1")).status, 200);
      assert.equal((await publishJson(rig, { topic: "t", qos: 1 })).status, 200);
      assert.equal((await publishJson(rig, { topic: "t", payload: "", qos: 1 })).status, 200);
      for (const item of await messages(rig, 3)) {
        assert.deepEqual([item.payload, item.payloadEncoding], ["", "utf8"]);
        const raw = await payloadBytes(rig.app, item.id);
        assert.equal(raw.bytes.length, 0);
      }
      assert.equal((await publish(rig, "kept", "x", "&qos=1&retain=true")).status, 200);
      assert.equal((await publish(rig, "kept", "", "&qos=1&retain=true")).status, 200);
      await subscribe(rig, "kept", { qos: 1 });
      assert.equal((await publish(rig, "kept", "live", "&qos=1")).status, 200);
      const [, , , ...rest] = await messages(rig, 4);
      assert.deepEqual(
        rest.map(({ payload }) => payload),
        ["live"],
      );
    },
    real,
  );

  itHolds("all byte values, as text, base64 and JSON, reach the broker as they were meant", async (rig) => {
    const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
    await rig.open({ id: "home", url: broker.url });
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    assert.equal((await publishBytes(rig.app, "t", bytes, "&qos=1")).status, 200);
    const bodies = [
      { payload: Buffer.from(bytes).toString("base64"), payloadEncoding: "base64" },
      { payload: "\uFEFF\0\r\n😀", payloadEncoding: "utf8" },
      { payload: { b: [1, null, "é"], a: 1.5 }, payloadEncoding: "json" },
      { payload: null, payloadEncoding: "json" },
    ];
    for (const body of bodies) {
      const answer = await publishJson(rig, { topic: "t", qos: 1, ...body });
      assert.equal(answer.status, 200, answer.text);
    }
    assert.deepEqual(
      publishesAt(await broker.connection(1)).map(({ payload }) => Buffer.from(payload).toString("hex")),
      [
        Buffer.from(bytes).toString("hex"),
        Buffer.from(bytes).toString("hex"),
        Buffer.from("\uFEFF\0\r\n😀").toString("hex"),
        Buffer.from(`{"b":[1,null,"é"],"a":1.5}`).toString("hex"),
        Buffer.from("null").toString("hex"),
      ],
    );
  });

  itHolds(
    "one byte over the limit is 413, in each form, and the broker sees nothing",
    async (rig) => {
      const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
      await rig.open({ id: "home", url: broker.url });
      assert.equal((await publishBytes(rig.app, "t", random(1_000), "&qos=1")).status, 200);
      const text = { topic: "t", payload: "é".repeat(500), qos: 1 };
      assert.equal((await publishJson(rig, text)).status, 200);
      const encoded = { payload: Buffer.from(random(1_000)).toString("base64"), payloadEncoding: "base64" };
      assert.equal((await publishJson(rig, { ...text, ...encoded })).status, 200);
      const over = await publishBytes(rig.app, "t", random(1_001), "&qos=1");
      assertProblem(over, 413, "content-too-large");
      assert.equal(over.body.limit.value, 1_000, over.text);
      const more = Buffer.from(random(1_001)).toString("base64");
      for (const body of [
        { ...text, payload: `${text.payload}x` },
        { ...text, ...encoded, payload: more },
        { ...text, payload: ["x".repeat(997)], payloadEncoding: "json" },
      ])
        assertProblem(await publishJson(rig, body), 413, "content-too-large");
      assert.equal((await publish(rig, "t", "last", "&qos=1")).status, 200);
      assert.equal(publishesAt(await broker.connection(1)).length, 4);
    },
    { environment: () => ({ CONNACK_MAX_PAYLOAD_BYTES: "1000" }) },
  );

  itHolds(
    "a body in chunks without a length is cut off at the limit",
    async (rig) => {
      const broker = await rig.broker(opens({}, (peer) => acknowledgesWith(peer)));
      await rig.open({ id: "home", url: broker.url });
      let pulled = 0;
      const body = new ReadableStream({
        pull(controller) {
          pulled += 1;
          if (pulled > 10_000) return controller.close();
          controller.enqueue(new Uint8Array(65_536));
        },
      });
      const path = `${rig.app.url}/connections/home/publish?topic=t&qos=1`;
      const request = { method: "POST", body, duplex: "half" } as RequestInit;
      const response = await fetch(path, request).catch(() => null);
      // Some clients see the reset before the answer.
      if (response !== null) assert.equal(response.status, 413, await response.text());
      assert.ok(pulled < 1_000, `${pulled} chunks were read`);
      assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
      assert.equal(publishesAt(await broker.connection(1)).length, 0);
    },
    { environment: () => ({ CONNACK_MAX_PAYLOAD_BYTES: "100000" }) },
  );

  itHolds(
    "a message larger than the log may hold is told by a gap, or is there; never silently lost",
    async (rig) => {
      const broker = await rig.broker(accepts());
      await rig.open({ id: "home", url: broker.url, log: { messages: 100, bytes: 10_000 } });
      const peer = await broker.connection(1);
      peer.send(message("t", "first"));
      const [first] = await messages(rig, 1);
      peer.send(message("t", Buffer.alloc(50_000, "x")));
      peer.send(message("t", "last"));
      await rig.call("POST", "/connections/home/ping");
      const { body } = await rig.call("GET", `/connections/home/messages?after=${first.id}`);
      const large = body.items.some(({ payload }: { payload: string }) => payload.length === 50_000);
      assert.ok(large || body.gap !== undefined, JSON.stringify(body).slice(0, 500));
      assert.equal(body.items.at(-1)?.payload, "last");
    },
  );
});
