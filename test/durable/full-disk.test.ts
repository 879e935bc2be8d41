import assert from "node:assert/strict";
import { join } from "node:path";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { inState, secretKey } from "../support/durable-app.ts";
import { message } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { cannotMount, smallDisk } from "../support/small-disk.ts";
import { describe, it } from "../support/test.ts";
import { viewWhen } from "../support/view.ts";

const payload = "x".repeat(200_000);

describe("S63: a full disk", () => {
  it(
    "has the broker keep what it sends; reading and deleting go on, and all recovers by itself",
    async () => {
      using disk = smallDisk(32);
      await using broker = await startScriptedBroker((peer) =>
        accepts({}, { sessionPresent: peer.number > 2 })(peer),
      );
      await using app = await startApp({
        CONNACK_STORE: `sqlite:${join(disk.path, "connack.db")}`,
        CONNACK_SECRET_KEY: secretKey,
      });
      const request = {
        url: broker.url,
        cleanStart: false,
        properties: { sessionExpiryInterval: 3_600 },
        log: { durable: true, bytes: 67_108_864 },
      };
      assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
      assert.equal((await app.call("PUT", "/connections/other", { url: broker.url })).status, 201);
      const peer = await broker.connection(1);
      let acknowledged = 0;
      peer.answer("puback", ({ messageId = 0 }) => (acknowledged = messageId));
      peer.send(message("t", "first", { qos: 1, messageId: 1 }));
      disk.fill();
      // With only so much under way as a broker may have.
      for (let messageId = 2; messageId < 400; messageId += 1)
        peer.send(message("t", payload, { qos: 1, messageId }));
      await peer.closed;
      const view = await viewWhen(app, "home", ({ lastError }) => lastError !== null);
      assert.equal(view.lastError.code, "store-full");
      assert.equal((await app.call("GET", "/readyz")).body.store.state, "full");
      const read = await app.call("GET", "/connections/home/messages?limit=1000&payload=base64");
      assert.ok(read.body.items.length >= acknowledged, "what was acknowledged can be read");
      assert.equal((await app.call("PUT", "/connections/new", { url: broker.url })).status, 507);
      assert.equal((await app.call("DELETE", "/connections/other")).status, 200);
      assert.equal((await app.call("GET", "/readyz")).status, 503);

      disk.free();
      // Before that, what comes is refused once more, and the connection dropped.
      while ((await app.call("GET", "/readyz")).status !== 200) await new Promise(setImmediate);
      await viewWhen(app, "home", ({ state, counters }) => state === "connected" && counters.connects > 1);
      const again = broker.peers.at(-1);
      again?.send(message("t", "last", { qos: 1, messageId: 500, dup: true }));
      await again?.next("puback");
      const after = await app.call("GET", "/connections/home/messages?limit=1000&after=" + read.body.next);
      assert.equal(after.body.items.at(-1).payload, "last");
      assert.equal((await inState(app, "home", "connected")).lastError?.code ?? "store-full", "store-full");
      assert.equal((await app.call("GET", "/readyz")).status, 200);
      assert.equal((await app.call("PUT", "/connections/new", { url: broker.url })).status, 201);
    },
    { skip: cannotMount() },
  );
});
