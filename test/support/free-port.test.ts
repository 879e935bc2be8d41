import assert from "node:assert/strict";
import { createServer } from "node:net";
import { freePort } from "./free-port.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { it } from "./test.ts";

it("freePort() gives ports on which one can listen, outside the ephemeral range", async () => {
  for (let turn = 0; turn < 20; turn += 1) {
    const port = await freePort();
    assert.ok(port < 32_768);
    const listening = await listenOnLoopback(createServer(), port);
    await listening.close();
  }
});
