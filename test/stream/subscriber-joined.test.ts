import assert from "node:assert/strict";
import { FrameCache } from "../../src/stream/frame.ts";
import { OrderedLog } from "../../src/stream/log.ts";
import { subscribe } from "../support/subscriber-rig.ts";
import { describe, it } from "../support/test.ts";

const named = { messages: "home" };

/** A reader of a log of events, with a log of messages in between. */
function rig(bounds = { maxEntries: 10_000, maxBytes: 10_000_000 }) {
  const log = new OrderedLog("m", bounds);
  let sequence = 0;
  const send = (count: number, padding = 0) => {
    for (let i = 0; i < count; i += 1) {
      sequence += 1;
      const json = JSON.stringify({ type: "message", n: sequence, padding: "x".repeat(padding) });
      log.append({ sequence, type: "message", json });
    }
  };
  const joined = { log, frames: new FrameCache(undefined, false), after: 0, named };
  return { messages: log, send, joined };
}

describe("Subscriber with a joined log", () => {
  it("brings both, each in its order, and leaves none waiting for the other", async () => {
    const { send, joined } = rig();
    const reader = subscribe({ joined });
    assert.deepEqual((await reader.read())?.[0]?.type, "open");
    // More of each than goes into one write.
    reader.append(3_000);
    send(3_000);
    const chunks: string[] = [];
    const numbers = { message: [] as number[], event: [] as number[] };
    while (numbers.message.length < 3_000 || numbers.event.length < 3_000) {
      const lines = (await reader.read()) ?? [];
      const kind = lines[0]?.type === "message" ? "message" : "event";
      chunks.push(kind);
      for (const { n = 0 } of lines) numbers[kind].push(n);
    }
    const all = Array.from({ length: 3_000 }, (_, index) => index + 1);
    assert.deepEqual([numbers.message, numbers.event], [all, all]);
    assert.notEqual(chunks[0], chunks[1]);
    assert.notEqual(chunks[1], chunks[2]);
    await reader.cancel();
    assert.equal(reader.ends(), 1);
  });

  it("tells which log has a gap, and ends, when its reader is too slow for the messages", async () => {
    const { send, joined } = rig({ maxEntries: 10, maxBytes: 100_000_000 });
    const reader = subscribe({ joined });
    send(1);
    // It takes nothing, so that no more is written than it is given ahead.
    for (let i = 0; i < 40; i += 1) send(1, 100_000);
    reader.append(1);
    const lines = await reader.rest();
    const gap = lines.at(-1);
    assert.deepEqual(
      { ...gap, requested: "", oldest: "" },
      {
        ...{ type: "gap", messages: "home", requested: "", oldest: "", reason: "slow-consumer" },
      },
    );
    assert.ok(lines.length < 20, `${lines.length} lines`);
    assert.equal(reader.ends(), 1);
  });

  it("goes on with its own log when the other has ended, and ends with its own", async () => {
    const { send, joined, messages } = rig();
    const reader = subscribe({ joined });
    await reader.read();
    send(1);
    messages.close();
    assert.deepEqual((await reader.read())?.[0]?.type, "message");
    reader.append(1);
    assert.deepEqual((await reader.read())?.[0]?.n, 1);
    reader.log.close();
    assert.equal(await reader.read(), null);
    assert.equal(reader.ends(), 1);
  });

  it("says one last word for both, and hears of neither afterwards", async () => {
    const { send, joined } = rig();
    const reader = subscribe({ joined, isStopping: () => true });
    await reader.read();
    reader.subscriber.close("shutdown", { at: "now" });
    send(1);
    reader.append(1);
    assert.deepEqual(
      (await reader.rest()).map(({ type }) => type),
      ["shutdown"],
    );
  });

  it("gives messages no ids of their own in SSE, where an id is of the events", async () => {
    const { send, joined } = rig();
    const log = new OrderedLog("e", { maxEntries: 10, maxBytes: 1_000 });
    send(1);
    const bytes = joined.frames.batchAfter(joined.log, 0, "sse")?.bytes;
    assert.match(String(bytes && Buffer.from(bytes)), /^event: message\ndata: /);
    log.append({ sequence: 1, type: "odd", json: "{}" });
    assert.match(String(Buffer.from(new FrameCache().batchAfter(log, 0, "sse")?.bytes ?? [])), /^id: e-1\n/);
  });
});
