import assert from "node:assert/strict";
import { Vector } from "../../src/cluster/front-vector.ts";
import { parseSettings } from "../../src/settings.ts";
import { frontOf, frontRig } from "../support/front-rig.ts";
import { TestCells } from "../support/test-cells.ts";
import { describe, it } from "../support/test.ts";
import { until } from "../support/tunnel-rig.ts";

const headers = { "content-type": "text/event-stream; charset=utf-8", "connack-last-event-id": "e-0" };
const snapshot = `retry: 2000\n: connack\n\nid: e-0\nevent: snapshot\ndata: {"id":"e-0","type":"snapshot","total":0,"states":{}}\n\n`;
/** Of a piece of a cell's stream. */
const pieceEvents = 100;

function eventText(sequence: number): string {
  const data = { id: `e-${sequence}`, type: "connected", filler: "x".repeat(500) };
  return `id: e-${sequence}\nevent: connected\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A cell that always has more. */
function endless(): Response {
  let sequence = 0;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(bytes(snapshot)),
      pull(controller) {
        const from = sequence;
        sequence += pieceEvents;
        controller.enqueue(
          bytes(Array.from({ length: pieceEvents }, (_, i) => eventText(from + i + 1)).join("")),
        );
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers });
}

function quiet(): Response {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(snapshot)),
  });
  return new Response(stream, { headers });
}

function scene(cells: TestCells, environment: Record<string, string> = {}) {
  const settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
  const made = frontOf(cells, settings, () => new Response(null));
  const open = async () => {
    const request = new Request("http://localhost/events", { headers: { host: "localhost" } });
    const answer = await made.front(request);
    assert.equal(answer.status, 200);
    return (answer.body ?? assert.fail()).getReader();
  };
  return { ...made, open };
}

describe("a reader of all events", () => {
  it("has the cells wait where it takes nothing, whatever they have", async () => {
    const cells = new TestCells([endless, endless, endless]);
    const { open, stop } = scene(cells);
    const reader = await open();
    const taken = () => [0, 1, 2].map((shard) => cells.takenOf(shard));
    const piece = pieceEvents * eventText(1_000).length;
    const most = snapshot.length + 2 * piece;
    await until(() => taken().every((bytes) => bytes > snapshot.length), "a piece of each waits");
    // All that can go on by itself does within some turns of the event loop.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    for (const bytes of taken()) assert.ok(bytes <= most, `${bytes} of at most ${most}`);
    let read = 0;
    for (let n = 0; n < 50; n += 1) read += (await reader.read()).value?.length ?? 0;
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    // What is written is a little longer than what came: each event has another id.
    const all = taken().reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(all <= read + 3 * most, `${all} taken, ${read} read`);
    // None is left behind for the others.
    const [least, largest] = [Math.min(...taken()), Math.max(...taken())];
    assert.ok(largest - least <= 3 * piece, taken().join());
    await reader.cancel();
    stop();
  });

  it("is cut off where it takes nothing for too long, and costs nothing from then on", async () => {
    const cells = new TestCells([endless, endless]);
    const environment = { CONNACK_HEARTBEAT_MS: "100", CONNACK_STREAM_WRITE_TIMEOUT_MS: "300" };
    const { open, streams, stop } = scene(cells, environment);
    const reader = await open();
    assert.equal(streams.size, 1);
    await until(() => streams.size === 0, "it is cut off");
    await until(() => cells.openOf(0) + cells.openOf(1) === 0, "the cells are let go of");
    await assert.rejects(async () => {
      for (let n = 0; n < 10; n += 1) await reader.read();
    });
    stop();
  });

  it("is not cut off where it takes all that there is", async () => {
    const cells = new TestCells([quiet, quiet]);
    const environment = { CONNACK_HEARTBEAT_MS: "100", CONNACK_STREAM_WRITE_TIMEOUT_MS: "300" };
    const { open, streams, stop } = scene(cells, environment);
    const reader = await open();
    const decoder = new TextDecoder();
    let beats = 0;
    while (beats < 8) if (decoder.decode((await reader.read()).value).startsWith(": heartbeat")) beats += 1;
    assert.equal(streams.size, 1);
    await reader.cancel();
    assert.equal(streams.size, 0);
    stop();
  });

  it("breaks off, and lets go of the cells, where one sends what is no stream of ours", async () => {
    const wrong = `id: other form\nevent: connected\ndata: {"id":"other form"}\n\n`;
    const cells = new TestCells([
      quiet,
      () => new Response(new Blob([snapshot, wrong]).stream(), { headers }),
    ]);
    const { open, streams, stop } = scene(cells);
    const reader = await open();
    await assert.rejects(async () => {
      for (;;) if ((await reader.read()).done) return;
    });
    await until(() => streams.size === 0 && cells.openOf(0) + cells.openOf(1) === 0, "all is let go of");
    stop();
  });

  const gaps = {
    "of events": [
      { requested: "e-3", oldest: "e-9", reason: "slow-consumer" },
      { requested: new Vector(["e-0", "e-0"]).text(), oldest: new Vector(["e-0", "e-9"]).text() },
    ],
    "of messages": [
      { messages: "home", requested: "m-3", oldest: "m-9", reason: "slow-consumer" },
      { messages: "home", requested: "m-3", oldest: "m-9" },
    ],
  } as const;
  for (const [what, [given, wanted]] of Object.entries(gaps))
    it(`is told the gap ${what} where a cell finds it too slow, and comes again`, async () => {
      const gap = `event: gap\ndata: ${JSON.stringify({ type: "gap", ...given })}\n\n`;
      const slow = () => new Response(new Blob([snapshot, gap, eventText(9)]).stream(), { headers });
      const cells = new TestCells([quiet, slow]);
      const { open, streams, stop } = scene(cells);
      const reader = await open();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += new TextDecoder().decode(value);
      }
      const last = text.split("\n\n").at(-2) ?? "";
      assert.match(last, /^event: gap\n/);
      const said = JSON.parse(last.slice(last.indexOf("{")));
      assert.deepEqual(said, { type: "gap", reason: "slow-consumer", ...wanted });
      assert.equal(streams.size, 0);
      await until(() => cells.openOf(0) + cells.openOf(1) === 0, "the cells are let go of");
      stop();
    });

  it("may leave while the stream is being opened", async () => {
    await using rig = await frontRig();
    const { cells, front } = rig;
    cells.ownerWithinMs = 60_000;
    cells.lose(1);
    const leaving = new AbortController();
    const request = new Request("http://localhost/events", {
      headers: { host: "localhost" },
      signal: leaving.signal,
    });
    const answer = front.front(request);
    await until(() => cells.calls.length === 3, "all are asked");
    leaving.abort();
    assert.equal((await answer).status, 499);
    await until(() => cells.openOf(0) + cells.openOf(2) === 0, "the others are let go of");
    assert.equal(front.streams.size, 0);
  });
});
