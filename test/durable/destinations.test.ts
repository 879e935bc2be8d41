import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace, inState } from "../support/durable-app.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("a durable connection whose destination is forbidden after a restart", () => {
  it("comes back as failed, is not dialled, and stays so when it may be dialled again, until it is asked for", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const first = await place.start();
    assert.equal((await first.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    await first.stop();

    const tighter = { ...place.environment, CONNACK_EGRESS_DENY: "loopback" };
    const second = await place.start(tighter);
    const view = await inState(second, "home", "failed");
    const { stage, code, retryable } = view.lastError;
    assert.deepEqual([stage, code, retryable], ["policy", "destination-forbidden", false]);
    assert.equal(view.flags.badConnection, true);
    const ready = await second.call("GET", "/readyz");
    assert.equal(ready.status, 200, ready.text);
    assert.equal(broker.peers.length, 1);
    await second.stop();

    const third = await place.start();
    const restored = await third.call("GET", "/connections/home");
    assert.equal(restored.body.state, "failed");
    assert.equal(restored.body.lastError.code, "destination-forbidden");
    assert.equal((await third.call("POST", "/connections/home/reconnect")).status, 200);
    assert.equal((await third.call("DELETE", "/connections/home")).status, 200);
  });

  it("one that was dropped while it was open is failed after a restart, too", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const first = await place.start();
    assert.equal((await first.call("PUT", "/connections/home", { url: broker.url })).status, 201);
    assert.equal(
      first.app.changeEgress({ allow: [], deny: [{ target: { kind: "any" }, port: broker.port }] }),
      1,
    );
    await inState(first, "home", "failed");
    await first.stop();
    const second = await place.start();
    const view = await second.call("GET", "/connections/home");
    assert.deepEqual([view.body.state, view.body.lastError.code], ["failed", "destination-forbidden"]);
    assert.equal(broker.peers.length, 1);
  });
});
