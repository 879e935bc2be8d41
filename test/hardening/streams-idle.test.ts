import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { accepts } from "../support/broker-scripts.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { describe } from "../support/test.ts";

const idleSeconds = 60;
/** As it is by default: longer than the ten seconds after which a runtime would cut an idle response. */
const heartbeatSeconds = 15;

async function checkStream(rig: Rig, over: Promise<unknown>): Promise<void> {
  await using events = await rig.app.events("/connections/home/events");
  await over;
  // The opening, and then the heartbeats; each may be a quarter late.
  const heartbeats = events.comments() - 1;
  const least = Math.floor(idleSeconds / (heartbeatSeconds * 1.25)) - 1;
  assert.ok(heartbeats >= least && heartbeats <= idleSeconds / heartbeatSeconds, `${heartbeats} heartbeats`);
  process.stdout.write(`S52: ${heartbeats} heartbeats in ${idleSeconds} s\n`);
  assert.deepEqual(
    events.seen.map(({ type }) => type),
    ["snapshot"],
  );
  await rig.call("DELETE", "/connections/home");
  assert.equal((await events.next("closed")).data.connection, "home");
  await events.ended;
}

/** How long a connection without a request stays open, in milliseconds, after a stream on it has ended. */
async function lingering(rig: Rig, ending: Promise<unknown>): Promise<number> {
  const socket = connect(Number(new URL(rig.app.url).port), "127.0.0.1");
  socket.resume();
  socket.write("GET /connections/brief/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "data");
  await ending;
  await rig.call("DELETE", "/connections/brief");
  const start = performance.now();
  await once(socket, "close");
  return performance.now() - start;
}

describe("S52: idle for 60 s", () => {
  itHolds(
    "S52: streams are still open, heartbeats were seen, a held call is answered, and sockets do not linger after",
    async (rig) => {
      const broker = await rig.broker(accepts());
      // With keep alive off nothing happens on it at all.
      for (const id of ["home", "brief"]) await rig.open({ id, url: broker.url, keepAlive: 0 });
      const { body: view } = await rig.call("GET", "/connections/home");
      const start = performance.now();
      const held = rig.call("GET", `/connections/home?wait=${idleSeconds}&since=${view.version}`);
      const stream = checkStream(rig, held);
      const lingered = "Deno" in globalThis ? null : lingering(rig, Promise.resolve());
      const answer = await held;
      assert.deepEqual([answer.status, answer.body.version], [200, view.version]);
      const seconds = (performance.now() - start) / 1_000;
      assert.ok(seconds >= idleSeconds - 0.1 && seconds < idleSeconds + 5, `answered after ${seconds} s`);
      await stream;
      // That runtime has no limit of its own on idle connections.
      if (lingered === null) return;
      const ms = await lingered;
      process.stdout.write(`S52: a socket was closed ${Math.round(ms)} ms after its stream\n`);
      assert.ok(ms < 45_000, `a socket lingered for ${ms} ms`);
    },
    { timeout: 120_000 },
  );
});
