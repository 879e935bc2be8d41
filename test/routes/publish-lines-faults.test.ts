import assert from "node:assert/strict";
import { startApp } from "../support/app.ts";
import { DuplexCall } from "../support/duplex-call.ts";
import { itHolds, type Rig } from "../support/invariants.ts";
import { acknowledge, opens, publishesAt, type Session } from "../support/publish-scripts.ts";
import { post } from "../support/raw-publish.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { describe, it } from "../support/test.ts";

const path = "/connections/home/publish";

const line = (payload: string, qos = 1) => `${JSON.stringify({ topic: "a", payload, qos })}\n`;

/** Opens `home` to a broker that leaves acknowledging to the test. */
async function open(rig: Rig, connack: Session["connack"] = {}): Promise<ScriptedPeer> {
  const broker = await rig.broker(opens({ connack }));
  const opened = await rig.open({ id: "home", url: broker.url });
  assert.equal(opened.status, 201, opened.text);
  return broker.connection(1);
}

const payloadsAt = (peer: ScriptedPeer) => publishesAt(peer).map(({ payload }) => String(payload));

describe("publishing lines, when something is not as it should be", () => {
  itHolds("each line has a deadline of its own, and the stream goes on", async (rig) => {
    const peer = await open(rig, { receiveMaximum: 2 });
    using call = new DuplexCall(rig.app.url, `${path}?wait=0.2`);
    call.send(`${line("1")}${line("2")}${line("3")}bad\n`);
    const reports = [await call.next(), await call.next(), await call.next(), await call.next()];
    assert.deepEqual(
      reports.map((report) => [report.line, report.status, report.duplicatePossible]),
      [
        [1, 504, true],
        [2, 504, true],
        [3, 504, false],
        [4, 400, undefined],
      ],
    );
    for (const { messageId = 0 } of publishesAt(peer)) acknowledge(peer, "puback", messageId);
    call.send(line("5"));
    await peer.next("publish");
    await peer.next("publish");
    const { messageId = 0, payload } = await peer.next("publish");
    assert.equal(String(payload), "5", "what was reported as not sent was sent");
    acknowledge(peer, "puback", messageId);
    const { line: number, status } = await call.next();
    assert.deepEqual([number, status], [5, 200]);
    call.end();
    assert.deepEqual(await call.rest(), []);
  });

  itHolds(
    "with a broker that acknowledges nothing the sender is stopped, and goes on later",
    async (rig) => {
      const peer = await open(rig);
      using call = new DuplexCall(rig.app.url, `${path}?wait=60`);
      const count = 16_384;
      const filler = "x".repeat(1_000);
      for (let number = 0; number < count; number += 64)
        call.send(Array.from({ length: 64 }, (_, n) => line(`${number + n} ${filler}`)).join(""));
      call.end();
      for (let taken = 0; taken < 1_024; taken += 1) await peer.next("publish");
      // A round trip through all: whatever would be sent on top has been sent by then.
      assert.equal((await rig.call("POST", "/connections/home/ping")).status, 200);
      assert.equal(publishesAt(peer).length, 1_024);
      // One runtime reads a request while its response is open, whether it is asked to or not.
      if (!("Deno" in globalThis))
        assert.ok(call.socket.writableLength > 4_194_304, "the sender is not stopped");
      peer.answer("publish", ({ messageId = 0 }) => acknowledge(peer, "puback", messageId));
      for (const { messageId = 0 } of publishesAt(peer)) acknowledge(peer, "puback", messageId);
      const reports = await call.rest();
      assert.equal(reports.length, count);
      assert.deepEqual(
        reports.findIndex(({ line, status }, index) => line !== index + 1 || status !== 200),
        -1,
      );
      assert.deepEqual(
        payloadsAt(peer).findIndex((payload, index) => !payload.startsWith(`${index} `)),
        -1,
      );
    },
    { environment: () => ({ CONNACK_SEND_QUOTA: "2000" }) },
  );

  itHolds(
    "a caller who does not read its reports is not read, and is cut off",
    async (rig) => {
      await open(rig);
      using call = new DuplexCall(rig.app.url, path);
      // The stream is the one call that may wait, before another one asks.
      call.send("bad\n");
      assert.equal((await call.next()).status, 400);
      call.socket.pause();
      // Some kilobytes of errors each, so that the network is soon full of them.
      const wrong = `{${Array.from({ length: 100 }, (_, n) => `"${n}":0`).join()}}\n`;
      for (let sent = 0; sent < 200; sent += 1) call.send(wrong.repeat(64));
      // It is cut off when another one may wait.
      const another = () =>
        post(rig, "", Buffer.from(line("1", 0)), { "content-type": "application/x-ndjson" });
      while ((await another()).status === 429);
      call.socket.resume();
      await call.closed;
      assert.equal(call.complete, false, "the stream came to its proper end");
    },
    { environment: () => ({ CONNACK_STREAM_WRITE_TIMEOUT_MS: "300", CONNACK_MAX_WAITS: "1" }) },
  );

  itHolds("a caller who has gone: what was sent goes on, what was not is not sent", async (rig) => {
    const peer = await open(rig, { receiveMaximum: 1 });
    const call = new DuplexCall(rig.app.url, path);
    call.send(`${line("1")}${line("2")}${line("3")}`);
    const { messageId = 0 } = await peer.next("publish");
    call.socket.resetAndDestroy();
    const after = post(rig, "?topic=a&qos=1", Buffer.from("after"));
    // Until the server has noticed, the lines are before it.
    while ((await rig.call("GET", "/connections/home")).body.counters.inflight !== 1);
    acknowledge(peer, "puback", messageId);
    const next = await peer.next("publish");
    assert.equal(String(next.payload), "after");
    acknowledge(peer, "puback", next.messageId ?? 0);
    assert.equal((await after).status, 200);
    assert.deepEqual(payloadsAt(peer), ["1", "after"]);
  });

  itHolds("the connection is deleted: each line has its report, and the stream ends", async (rig) => {
    const peer = await open(rig, { receiveMaximum: 1 });
    using call = new DuplexCall(rig.app.url, path);
    call.send(`${line("1")}${line("2")}`);
    await peer.next("publish");
    const deleted = await rig.call("DELETE", "/connections/home?drainMs=100");
    assert.equal(deleted.status, 200);
    const reports = await call.rest();
    assert.deepEqual(
      reports.map((report) => [report.line, report.duplicatePossible ?? false]),
      [
        [1, true],
        [2, false],
      ],
    );
    for (const { status } of reports) assert.ok(status >= 400);
    assert.equal(call.complete, true);
  });

  it("the server stops: each line has its report, and the stream ends", async () => {
    await using broker = await startScriptedBroker(opens({}));
    await using app = await startApp({ CONNACK_SHUTDOWN_GRACE_MS: "500" });
    await app.open({ id: "home", url: broker.url });
    using call = new DuplexCall(app.url, path);
    call.send(`${line("1")}${line("2", 0)}`);
    const peer = await broker.connection(1);
    await peer.next("publish");
    await peer.next("publish");
    const closed = app.app.close();
    const reports = await call.rest();
    assert.deepEqual(
      reports.map((report) => [report.line, report.status]),
      [
        [1, 502],
        [2, 202],
      ],
    );
    assert.equal(call.complete, true);
    await closed;
  });

  itHolds("a broker that goes away: its lines are told, and the next one that it is away", async (rig) => {
    const peer = await open(rig);
    using call = new DuplexCall(rig.app.url, path);
    call.send(line("1"));
    await peer.next("publish");
    peer.reset();
    assert.equal((await call.next()).code, "connection-lost");
    call.send(`${line("2")}${line("3", 0)}`);
    for (const number of [2, 3]) {
      const report = await call.next();
      assert.deepEqual([report.line, report.code], [number, "temporarily-not-connected"]);
    }
    call.end();
    assert.deepEqual(await call.rest(), []);
  });
});
