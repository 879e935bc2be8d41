import assert from "node:assert/strict";
import { startApp, type TestApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { durablePlace } from "../support/durable-app.ts";
import { assertProblem } from "../support/invariants.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

async function refused(app: TestApp, request: object, pointer: string): Promise<void> {
  const answer = await app.open(request);
  assertProblem(answer, 422, "invalid-request");
  assert.deepEqual(
    answer.body.errors.map((error: { pointer: string }) => error.pointer),
    [pointer],
  );
}

describe("what durability a request may ask for", () => {
  it("in memory: none, and PUT asks for none by itself", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using app = await startApp({ CONNACK_STORE: "memory" });
    await refused(app, { url: broker.url, durable: true }, "/durable");
    await refused(app, { url: broker.url, log: { durable: true } }, "/log/durable");
    const put = await app.call("PUT", "/connections/a", { url: broker.url });
    assert.equal(put.body.request.durable, false, put.text);
  });

  it("with a store: a kept log needs a connection that is kept; POST asks for nothing by itself", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const app = await place.start();
    await refused(app, { url: broker.url, log: { durable: true } }, "/log/durable");
    const put = await app.call("PUT", "/connections/a", {
      url: broker.url,
      durable: false,
      log: { durable: true },
    });
    assertProblem(put, 422, "invalid-request");
    assert.equal((await app.open({ id: "b", url: broker.url })).body.request.durable, false);
    assert.equal((await app.open({ id: "c", url: broker.url, durable: true })).body.request.durable, true);
  });

  it("PUT of what POST made makes it durable, without a new connection where nothing else differs", async () => {
    await using broker = await startScriptedBroker(accepts());
    await using place = durablePlace();
    const app = await place.start();
    assert.equal((await app.open({ id: "a", url: broker.url, durable: true })).status, 201);
    const put = await app.call("PUT", "/connections/a", { url: broker.url });
    assert.equal(put.status, 200);
    assert.equal(put.body.counters.connects, 1);
  });
});
