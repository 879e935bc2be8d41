import assert from "node:assert/strict";
import { createApp } from "../../src/app.ts";
import { createLogger } from "../../src/log.ts";
import { parseSettings } from "../../src/settings.ts";
import { accepts } from "../support/broker-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

describe("a server that stops", () => {
  it("does not say that a connection is not there which will be there again", async () => {
    await using broker = await startScriptedBroker(accepts());
    const logger = createLogger({ level: "error", format: "json", write: () => {}, now: Date.now });
    const app = await createApp(
      parseSettings({ CONNACK_STORE: "memory", CONNACK_SHUTDOWN_GRACE_MS: "100" }),
      logger,
      "0.0.0-test",
    );
    const call = async (method: string, path: string, body?: object) => {
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const headers = { "content-type": "application/json", host: "127.0.0.1" };
      return app.fetch(new Request(`http://127.0.0.1${path}`, { method, headers, ...text }));
    };
    const put = await call("PUT", "/connections/home", { url: broker.url });
    assert.equal(put.status, 201, await put.text());
    assert.equal((await call("GET", "/connections/other")).status, 404);
    await app.close();
    for (const path of ["/connections/home", "/connections/home/messages", "/connections"]) {
      const response = await call("GET", path);
      assert.equal(response.status, 503, path);
      assert.equal(((await response.json()) as { code: string }).code, "shutting-down");
      assert.ok(Number(response.headers.get("retry-after")) > 0);
    }
  });
});
