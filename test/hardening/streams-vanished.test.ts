import assert from "node:assert/strict";
import { needsNetworkPair, startNetworkPair, type NetworkPair } from "../support/network-pair.ts";
import { runtimeArguments } from "../support/program.ts";
import { describe, it } from "../support/test.ts";

/** Detection takes three seconds from the first heartbeat that is lost, which is much of a short one. */
const heartbeatMs = 8_000;
/** A call from the server's own side of the cable. */
async function get(pair: NetworkPair, url: string): Promise<string> {
  await using curl = pair.start(0, "curl", ["-s", "-H", "Host: localhost", url]);
  await curl.exited;
  return curl.output();
}

async function openStreams(pair: NetworkPair, url: string): Promise<number> {
  return Number(/"streams":(\d+)/.exec(await get(pair, `${url}/readyz`))?.[1]);
}

describe("S54: a reader that vanishes without FIN", () => {
  it(
    "S54: its stream is gone within two heartbeats, and its socket with it",
    async () => {
      using pair = startNetworkPair();
      const program = [...runtimeArguments("test/support/open-server.ts"), pair.address];
      await using server = pair.start(0, process.execPath, program, {
        CONNACK_HEARTBEAT_MS: String(heartbeatMs),
      });
      const url = await server.printed(/http:\S+/);
      const read = ["-sN", "-H", "Host: localhost", `${url}/events`];
      await using reader = pair.start(1, "curl", read);
      await using near = pair.start(0, "curl", read);
      await Promise.all([reader.printed(/snapshot/), near.printed(/snapshot/)]);
      assert.equal(await openStreams(pair, url), 2);

      pair.cut();
      const cutAt = performance.now();
      while ((await openStreams(pair, url)) > 1) {
        const ms = performance.now() - cutAt;
        assert.ok(ms < 2 * heartbeatMs, `the stream is still open after ${ms} ms`);
      }
      const ms = Math.round(performance.now() - cutAt);
      process.stdout.write(`S54: gone after ${ms} ms with a heartbeat of ${heartbeatMs} ms\n`);
      // The other reader is there and hears more.
      const heard = near.output().length;
      await near.printed(new RegExp(`^[^]{${heard}}[^]*heartbeat`));
      assert.match(await get(pair, `${url}/healthz`), /true/);
      // Only the kernel may still hold the socket.
      await using sockets = pair.start(0, "ss", ["-tnpH", "dst", "10.99.0.2"]);
      await sockets.exited;
      assert.doesNotMatch(sockets.output(), /users:/);
    },
    { skip: needsNetworkPair(), timeout: 60_000 },
  );
});
