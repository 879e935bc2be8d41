import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { DuplexCall } from "../support/duplex-call.ts";
import { acknowledgesWith, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const line = `${JSON.stringify({ topic: "a", payload: "x", qos: 1 })}\n`;

describe("publishing lines, for long", () => {
  it("is not cut while lines come, and ends when none has come for long", async () => {
    await using broker = await startScriptedBroker(opens({}, (peer) => acknowledgesWith(peer)));
    await using app = await startApp({
      CONNACK_BODY_TIMEOUT_MS: "200",
      CONNACK_HTTP_IDLE_TIMEOUT_MS: "200",
      CONNACK_PUBLISH_IDLE_TIMEOUT_MS: "500",
    });
    assert.equal((await app.open({ id: "home", url: broker.url })).status, 201);
    using call = new DuplexCall(app.url, "/connections/home/publish");
    const startedAt = performance.now();
    while (performance.now() - startedAt < 1_000) {
      call.send(line);
      assert.equal((await call.next()).status, 200);
    }
    call.send(line.slice(0, 10));
    const idleAt = performance.now();
    // Half a line is not published.
    assert.deepEqual(await call.rest(), []);
    assert.ok(call.complete);
    assert.ok(performance.now() - idleAt >= 400);
  });
});
