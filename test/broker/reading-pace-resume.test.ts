import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { ReadingPace } from "../../src/broker/reading-pace.ts";
import { startApp } from "../support/app.ts";
import { readMetrics } from "../support/limit-scene.ts";
import { message, opens } from "../support/publish-scripts.ts";
import { startScriptedBroker } from "../support/scripted-broker.ts";
import { describe, it } from "../support/test.ts";

/** A stream of which all is read, at a clock that stands still unless it is moved. */
function read(bytesPerSecond: number) {
  const stream = new PassThrough({ highWaterMark: 1_000_000 });
  const seen = { now: 0, pauses: 0, bytes: 0 };
  const pace = new ReadingPace(stream, {
    bytesPerSecond,
    now: () => seen.now,
    onPause: () => (seen.pauses += 1),
  });
  stream.on("data", (bytes: Buffer) => (seen.bytes += bytes.length));
  return { stream, seen, pace };
}

describe("ReadingPace", () => {
  it("lets a second's worth through at once, and as much again when a second has gone by", async () => {
    const { stream, seen } = read(1_000);
    stream.write(Buffer.alloc(1_000));
    await new Promise(setImmediate);
    seen.now = 1_000;
    stream.write(Buffer.alloc(1_000));
    await new Promise(setImmediate);
    assert.deepEqual([seen.bytes, seen.pauses, stream.isPaused()], [2_000, 0, false]);
    stream.destroy();
  });

  it("pauses over it, whatever the reader wants, and loses nothing", async () => {
    const { stream, seen } = read(10_000);
    stream.write(Buffer.alloc(10_500));
    while (!stream.isPaused()) await new Promise(setImmediate);
    assert.equal(seen.pauses, 1);
    // A reader that has room again asks for more.
    stream.resume();
    await new Promise(setImmediate);
    assert.equal(stream.isPaused(), true);
    stream.write(Buffer.alloc(100));
    await once(stream, "resume");
    while (seen.bytes < 10_600) await new Promise(setImmediate);
    stream.destroy();
  });

  it("pauses for no longer than keep alive bears", async () => {
    const { stream, pace } = read(1);
    pace.keepAlive = 1;
    const began = performance.now();
    stream.write(Buffer.alloc(1_000));
    while (!stream.isPaused()) await new Promise(setImmediate);
    await once(stream, "resume");
    assert.ok(performance.now() - began < 2_000);
    stream.destroy();
  });
});

describe("CONNACK_MAX_INBOUND_BYTES_PER_SECOND", () => {
  it("has a broker's flood come later, all of it, and is counted", async () => {
    const most = 200;
    await using broker = await startScriptedBroker(
      opens({}, (peer) => {
        for (let n = 0; n < most; n += 1) peer.send(message("a", `${n}`.padEnd(1_000, ".")));
      }),
    );
    await using app = await startApp({ CONNACK_MAX_INBOUND_BYTES_PER_SECOND: "150000" });
    assert.equal((await app.open({ id: "x", url: broker.url })).status, 201);
    const found: string[] = [];
    for (let after = ""; found.length < most;) {
      const { body } = await app.call("GET", `/connections/x/messages?wait=10&limit=1000&after=${after}`);
      for (const { payload } of body.items) found.push(payload);
      after = body.next;
    }
    assert.deepEqual(
      found.map((payload) => Number.parseInt(payload, 10)),
      Array.from({ length: most }, (_, n) => n),
    );
    const refused = 'connack_limit_refused_total{limit="CONNACK_MAX_INBOUND_BYTES_PER_SECOND"}';
    assert.ok(((await readMetrics(app)).get(refused) ?? 0) >= 1);
    assert.equal((await app.call("GET", "/connections/x")).body.counters.disconnects, 0);
  });
});
