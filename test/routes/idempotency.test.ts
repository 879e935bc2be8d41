import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { accepts, refuses } from "../support/broker-scripts.ts";
import { assertProblem, itHolds } from "../support/invariants.ts";
import { silent } from "../support/hostile-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const key = (value: string) => ({ "idempotency-key": value });

describe("Idempotency-Key", () => {
  itHolds("the first answer is replayed: one connection, and the same view", async (rig) => {
    const broker = await rig.broker(accepts());
    const first = await rig.open({ url: broker.url }, "", key("k1"));
    const second = await rig.open({ url: broker.url }, "", key("k1"));
    assert.equal(first.status, 201);
    assert.equal(first.headers.get("idempotent-replayed"), null);
    assert.equal(second.status, 201);
    assert.equal(second.headers.get("idempotent-replayed"), "true");
    assert.equal(second.text, first.text);
    for (const name of ["location", "etag", "content-type"])
      assert.equal(second.headers.get(name), first.headers.get(name));
    assert.equal(broker.peers.length, 1);
  });

  itHolds("a failure is replayed, too", async (rig) => {
    const broker = await rig.broker(refuses(0x88));
    const first = await rig.open({ url: broker.url }, "", key("k1"));
    const second = await rig.open({ url: broker.url }, "", key("k1"));
    assertProblem(first, 503, "broker-unavailable");
    assert.equal(second.status, 503);
    assert.equal(second.headers.get("idempotent-replayed"), "true");
    assert.equal(second.headers.get("retry-after"), first.headers.get("retry-after"));
    assert.equal(second.headers.get("content-type"), "application/problem+json");
    assert.equal(broker.peers.length, 1);
  });

  itHolds("with another body: 422", async (rig) => {
    const broker = await rig.broker(accepts());
    await rig.open({ url: broker.url }, "", key("k1"));
    const answer = await rig.open({ url: broker.url, keepAlive: 30 }, "", key("k1"));
    assertProblem(answer, 422, "idempotency-key-reused");
    assert.equal(broker.peers.length, 1);
  });

  itHolds("still running: 409 with Retry-After; a caller who left frees the key", async (rig) => {
    const broker = await rig.broker(silent());
    const request = { url: broker.url };
    const hangUp = new AbortController();
    const first = rig.app
      .call("POST", "/connections", request, key("k1"), hangUp.signal)
      .catch(() => "hung up");
    const peer = await broker.connection(1);
    const second = await rig.app.call("POST", "/connections", request, key("k1"));
    assertProblem(second, 409, "idempotency-in-progress");
    assert.notEqual(second.headers.get("retry-after"), null);
    hangUp.abort();
    assert.equal(await first, "hung up");
    await peer.closed;
    const third = await rig.app.call("POST", "/connections?wait=0", { ...request, id: "x" }, key("k1"));
    assert.equal(third.status, 202, third.text);
    await rig.call("DELETE", "/connections/x");
  });

  itHolds("a call that was not begun leaves the key free for the corrected one", async (rig) => {
    const broker = await rig.broker(accepts());
    assertProblem(await rig.open({ url: broker.url, keepAlive: -1 }, "", key("k1")), 422, "invalid-request");
    assert.equal((await rig.open({ url: broker.url }, "", key("k1"))).status, 201);
  });

  itHolds("an id that is taken leaves the key free for when it is not", async (rig) => {
    const broker = await rig.broker(accepts());
    const request = { id: "x", url: broker.url };
    await rig.open(request);
    assertProblem(await rig.open(request, "", key("k1")), 409, "connection-exists");
    await rig.call("DELETE", "/connections/x");
    assert.equal((await rig.open(request, "", key("k1"))).status, 201);
  });

  it("a call that the end of the server ended leaves the key free", async () => {
    await using broker = await startScriptedBroker(silent());
    await using app = await startApp();
    const call = () => app.call("POST", "/connections", { url: broker.url }, key("k1"));
    const first = call();
    await broker.connection(1);
    await app.app.close();
    assertProblem(await first, 503, "shutting-down");
    const second = await call();
    assertProblem(second, 503, "shutting-down");
    assert.equal(second.headers.get("idempotent-replayed"), null);
  });

  itHolds("two keys are two calls", async (rig) => {
    const broker = await rig.broker(accepts());
    const first = await rig.open({ url: broker.url }, "", key("k1"));
    const second = await rig.open({ url: broker.url }, "", key("k2"));
    assert.notEqual(first.body.id, second.body.id);
    assert.equal(broker.peers.length, 2);
  });

  for (const [name, value] of [
    ["too long", "x".repeat(256)],
    ["a space inside", "a b"],
    ["empty", ""],
  ] as const) {
    itHolds(`a key that is ${name}: 422 that names the header`, async (rig) => {
      const broker = await rig.broker(accepts());
      const answer = await rig.open({ url: broker.url }, "", key(value));
      assertProblem(answer, 422, "invalid-request");
      assert.equal(answer.body.errors[0].parameter, "Idempotency-Key");
    });
  }
});
