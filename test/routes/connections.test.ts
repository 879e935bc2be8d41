import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { describe, it } from "../support/test.ts";

describe("POST /connections", () => {
  it(
    "answers 201 with the CONNACK, and DELETE disconnects",
    async () => {
      await using broker = await startMosquitto();
      await using app = await startApp();
      const answer = await app.open({ id: "home", url: broker.url, clientId: "c1" });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.headers.get("location"), "/connections/home");
      assert.equal(answer.body.state, "connected");
      assert.deepEqual(answer.body.connack.reasonCode, 0);
      await using events = await app.events("/connections/home/events?lastEventId=earliest");
      assert.equal((await events.next()).type, "snapshot");
      const removed = await app.call("DELETE", "/connections/home");
      assert.equal(removed.status, 200, removed.text);
      assert.equal(removed.body.state, "closed");
      await events.ended;
      assert.deepEqual(
        events.seen.map((e) => e.type),
        ["snapshot", "connecting", "connected", "closing", "closed"],
      );
      assert.equal((await app.call("DELETE", "/connections/home")).status, 404);
      await broker.logged(/Client c1 disconnected/);
    },
    { skip: needs("mosquitto") },
  );
});
