import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { accepts } from "../support/broker-scripts.ts";
import { secretKey } from "../support/durable-app.ts";
import { runtimeArguments, startProgram } from "../support/program.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { describe, it } from "../support/test.ts";

const most = 100;
const main = [process.execPath, ...runtimeArguments("src/main.ts")];

async function status(url: string, method = "GET", body?: object): Promise<number> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(5_000),
    headers: { "content-type": "application/json", connection: "close" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

describe("S66: without file descriptors", () => {
  it("calls are refused or wait, and all is well when there are some again", async () => {
    using directory = temporaryDirectory();
    await using broker = await startScriptedBroker(accepts());
    await using server = startProgram("/bin/sh", ["-c", `ulimit -n ${most}; exec "$0" "$@"`, ...main], {
      CONNACK_PORT: "0",
      CONNACK_STORE: `sqlite:${join(directory.path, "connack.db")}`,
      CONNACK_SECRET_KEY: secretKey,
    });
    const line = await server.printed(/listening on http:\S+/);
    const url = line.slice(line.indexOf("http:"));
    const connection = (id: string) => `${url}/connections/${id}`;
    assert.equal(await status(connection("first"), "PUT", { url: broker.url }), 201);
    // Connections of its own, as long as it has descriptors for them.
    let made = 0;
    let refused = 0;
    while (made < most && refused === 0) {
      const got = await status(connection(`c${made}`), "PUT", { url: broker.url }).catch(() => 0);
      if (got === 201) made += 1;
      else refused = got === 0 ? -1 : got;
    }
    assert.ok(made < most, "it has run out");
    assert.ok(refused === -1 || (refused >= 502 && refused <= 507), `refused with ${refused}`);
    // The broker drops some, so that there is a descriptor for a call; what is deleted then does not come back.
    for (const peer of broker.peers.slice(1, 20)) peer.reset();
    // One runtime has to begin to listen anew.
    while ((await status(`${url}/healthz`).catch(() => 0)) !== 200) await new Promise(setImmediate);
    for (let n = 0; n < 19; n += 1)
      assert.equal(await status(`${connection(`c${n}`)}?force=true`, "DELETE"), 200);
    assert.equal(await status(connection("last"), "PUT", { url: broker.url }), 201);
    assert.equal(await status(connection("first/ping"), "POST"), 200);
    assert.equal(await status(`${url}/healthz`), 200);
    assert.ok(!server.output().includes("uncaughtException"), server.output());
  });

  it("a flood of network connections does not end the listening", async () => {
    await using server = startProgram("/bin/sh", ["-c", `ulimit -n ${most}; exec "$0" "$@"`, ...main], {
      CONNACK_PORT: "0",
      CONNACK_STORE: "memory",
    });
    const line = await server.printed(/listening on http:\S+/);
    const url = new URL(line.slice(line.indexOf("http:")));
    const sockets = Array.from({ length: most * 2 }, () => connect(Number(url.port), url.hostname));
    for (const socket of sockets) socket.on("error", () => {});
    await Promise.allSettled(sockets.slice(0, 50).map((socket) => once(socket, "connect")));
    assert.notEqual(await status(`${url.origin}/healthz`).catch(() => 0), 500);
    for (const socket of sockets) socket.destroy();
    while ((await status(`${url.origin}/healthz`).catch(() => 0)) !== 200) await new Promise(setImmediate);
  });
});
