import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { acknowledges } from "../support/broker-scripts.ts";
import { assertProblem } from "../support/invariants.ts";
import { message, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { subscribing } from "../support/subscribe-scripts.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";
import { quick, startEndpoint, status } from "../support/webhook-endpoint.ts";

const answering = opens({}, (peer) => acknowledges(peer));

describe("what a token may not do by one call, it may not do by another", () => {
  it("nobody reads a topic as the response to a request who may not subscribe to it", async () => {
    await using broker = await startScriptedBroker(answering);
    await using app = await startApp(withTokens);
    const owner = await callerOf(app);
    const request = { id: "home", url: broker.url, protocolVersion: "3.1.1" };
    assert.equal((await owner.call("POST", "/connections", request)).status, 201);
    const publisher = await callerOf(app, { scopes: ["publish"] });
    const elsewhere = await callerOf(app, { subscribe: ["open/#"] });
    for (const caller of [publisher, elsewhere]) {
      const body = { topic: "q", responseTopic: "secret", timeoutMs: 100 };
      assertProblem(await caller.call("POST", "/connections/home/request", body), 403, "forbidden");
    }
    await owner.call("POST", "/connections/home/ping");
    assert.deepEqual(subscribing(await broker.connection(1)), []);
  });

  it("nobody reads in the list of dead deliveries what it may not subscribe to", async () => {
    await using broker = await startScriptedBroker(answering);
    await using endpoint = await startEndpoint(status(500));
    const schedule = { ...quick, delaysMs: [], giveUpAfterMs: 1 };
    await using app = await startApp(withTokens, { webhookSchedule: schedule });
    const owner = await callerOf(app);
    await owner.call("POST", "/connections", { id: "home", url: broker.url });
    const hook = await owner.call("POST", "/webhooks", { url: endpoint.url, topics: ["secret/#"] });
    assert.equal(hook.status, 201, hook.text);
    const path = `/webhooks/${hook.body.id}/deliveries?state=dead`;
    (await broker.connection(1)).send(message("secret/a", "a payload that is not for all"));
    while ((await owner.call("GET", path)).body.items.length === 0)
      await owner.call("POST", "/connections/home/ping");
    for (const [caller, isShown] of [
      [owner, true],
      [await callerOf(app, { scopes: ["connections:read", "subscribe"], subscribe: ["#"] }), true],
      [await callerOf(app, { scopes: ["connections:read"] }), false],
      [await callerOf(app, { subscribe: ["open/#"] }), false],
    ] as const) {
      const { status: code, text, body } = await caller.call("GET", path);
      assert.equal(code, 200, text);
      assert.equal(text.includes("a payload that is not for all"), isShown, text);
      assert.equal(body.items[0].type, "connack.message");
      assert.equal("text" in body.items[0], isShown);
    }
  });
});
