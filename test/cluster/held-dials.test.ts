import assert from "node:assert/strict";
import type { Failure } from "../../src/broker/failure.ts";
import { startApp } from "../support/app.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

const away: Failure = {
  ...{ stage: "policy", code: "store-unavailable", retryable: true },
  ...{ detail: "another node may have it", hint: "" },
};

describe("a node that another one may have taken over from", () => {
  it("does not dial again what the broker closes, until it knows that it may", async () => {
    await using broker = await startScriptedBroker(accepts());
    let held: Failure | null = null;
    await using app = await startApp({}, { holdDials: () => held, random: () => 0 });
    const opened = await app.open({
      id: "a",
      url: broker.url,
      reconnect: { minDelayMs: 10, maxDelayMs: 20 },
    });
    assert.equal(opened.status, 201, opened.text);
    await using events = await app.events("/connections/a/events?types=error,connected");
    held = away;
    (await broker.connection(1)).end();
    // Each attempt ends before anything is dialled.
    for (let n = 0; n < 3; n += 1) assert.equal((await events.next("error")).data.code, "store-unavailable");
    assert.equal(broker.peers.length, 1);
    held = null;
    await events.next("connected");
    assert.equal(broker.peers.length, 2);
  });
});
