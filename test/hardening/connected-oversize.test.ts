import assert from "node:assert/strict";
import { accepts } from "../support/broker-scripts.ts";
import { declares256MiB, floods } from "../support/hostile-scripts.ts";
import { assertProblem, itHolds, type Rig } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const MiB = 1_048_576;

/** Opens `home`, floods it, and gives the MiB by which memory has grown when its network connection is gone. */
async function flood(rig: Rig, protocolVersion: string, payloadBytes?: number): Promise<number> {
  const broker = await rig.broker(accepts());
  const request = { url: broker.url, protocolVersion, reconnect: { minDelayMs: 10, maxDelayMs: 20 } };
  const opened = await rig.open({ id: "home", ...request });
  assert.equal(opened.status, 201, opened.text);
  await using events = await rig.app.events("/connections/home/events?lastEventId=earliest");
  await events.next("connected");
  const before = process.memoryUsage().rss;
  const peer = await broker.connection(1);
  const flooding = floods(peer, payloadBytes);
  const error = await events.next("error");
  assert.deepEqual([error.data.code, error.data.retryable], ["broker-protocol-error", true]);
  assert.match(error.data.detail, /268435460 bytes/);
  const lost = await events.next("disconnected");
  const codes = peer.received.flatMap((packet) => (packet.cmd === "disconnect" ? [packet.reasonCode] : []));
  if (protocolVersion === "5") {
    assert.deepEqual([lost.data.from, lost.data.reasonCode], ["client", 0x95]);
    assert.deepEqual(codes, [0x95]);
  }
  await peer.closed;
  await flooding;
  await events.next("connected");
  const { body: view } = await rig.call("GET", "/connections/home");
  // What comes after the first bytes of the packet is not even counted.
  assert.ok(view.counters.bytesIn < MiB, `${view.counters.bytesIn} bytes were taken`);
  return (process.memoryUsage().rss - before) / MiB;
}

describe("S41: a PUBLISH that declares 256 MiB", () => {
  for (const protocolVersion of ["5", "3.1.1"]) {
    itHolds(
      `S41: is dropped at the cap, and memory grows by less than 32 MiB (${protocolVersion})`,
      async (rig) => {
        const grown = await flood(rig, protocolVersion);
        process.stdout.write(`S41: memory grew by ${grown.toFixed(1)} MiB (${protocolVersion})\n`);
        assert.ok(grown < 32, `memory grew by ${grown} MiB`);
      },
    );
  }

  itHolds("S41: is dropped as well when the broker stops in the middle of it", async (rig) => {
    assert.ok((await flood(rig, "5", 4 * MiB)) < 32);
  });

  itHolds("S41: right behind the CONNACK it is no connection", async (rig) => {
    const broker = await rig.broker(declares256MiB());
    const before = process.memoryUsage().rss;
    const answer = await rig.open({ id: "home", url: broker.url });
    // Whether both came in one read is up to the network.
    if (answer.status !== 201) assertProblem(answer, 502, "broker-protocol-error");
    await (
      await broker.connection(1)
    ).closed;
    assert.ok(process.memoryUsage().rss - before < 32 * MiB);
  });
});
