import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { durableStore } from "../support/durable-store.ts";
import { startApp } from "../support/app.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("what is left of connections that have gone", () => {
  it("is removed at the next start, and what belongs to others stays", async () => {
    await using broker = await startScriptedBroker(accepts());
    const store = durableStore();
    const lease = await store.acquire();
    await store.commit(lease, [
      { type: "put", space: "outbox/gone", key: "o", value: "{}" },
      { type: "put", space: "incoming/gone/e", key: "1", value: "{}" },
      { type: "append", logs: ["events/gone/i", "messages/gone/e"], data: "x}" },
    ]);
    {
      await using app = await startApp({}, { store });
      const request = { url: broker.url, log: { durable: true } };
      assert.equal((await app.call("PUT", "/connections/home", request)).status, 201);
      const queued = await app.call("POST", "/connections/home/publish?topic=a&queue=60", "x");
      assert.equal(queued.status, 202, queued.text);
      assert.deepEqual(
        (await store.spaces("")).filter((space) => space.includes("gone")),
        [],
      );
    }
    assert.ok((await store.spaces("")).includes("outbox/home"));
    const logs = (await store.logs("")).map(({ name }) => name.split("/").slice(0, 2).join("/"));
    assert.ok(logs.includes("events/home"), logs.join());
    assert.ok(!logs.some((name) => name.includes("gone")), logs.join());
  });
});
