import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { acknowledges } from "../support/broker-scripts.ts";
import { assertProblem } from "../support/invariants.ts";
import { opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { subscribing } from "../support/subscribe-scripts.ts";
import { callerOf, withTokens } from "../support/tenants.ts";
import { describe, it } from "../support/test.ts";

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
});
