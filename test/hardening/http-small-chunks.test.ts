import assert from "node:assert/strict";
import { unlimited } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import type { Publisher } from "../../src/connection/publisher.ts";
import { Lines } from "../../src/lines.ts";
import { readBody } from "../../routes/publish-body.ts";
import { PublishLines } from "../../routes/publish-lines.ts";
import { describe, it } from "../support/test.ts";

const MiB = 1_048_576;
const maxBytes = 4 * MiB;
const limit = { name: "CONNACK_MAX_BODY_BYTES", value: maxBytes };

/** A body of so many bytes, each a chunk of its own and there already; what memory has grown by is asked at its end. */
function bytewise(bytes: number): {
  readonly body: ReadableStream<Uint8Array>;
  readonly grown: () => number;
} {
  const before = process.memoryUsage().rss;
  let left = bytes;
  let grown = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      left -= 1;
      controller.enqueue(Uint8Array.of(0x20));
      if (left > 0) return;
      grown = process.memoryUsage().rss - before;
      controller.close();
    },
  });
  return { body, grown: () => grown / MiB };
}

function requestWith(body: ReadableStream<Uint8Array>): Request {
  return new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
}

/** How many turns of the event loop others have had meanwhile. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const next = () => {
    turns += 1;
    if (!over) setImmediate(next);
  };
  setImmediate(next);
  await work();
  over = true;
  return turns;
}

describe("bodies that come a byte at a time", () => {
  it("take as much memory as they have bytes, and not a hundred times that", async () => {
    const { body, grown } = bytewise(2 * MiB);
    const bytes = await readBody(requestWith(body), limit, unlimited());
    assert.equal(bytes.length, 2 * MiB);
    assert.ok(grown() < 100, `memory grew by ${grown()} MiB`);
  });

  it("nor does a line", () => {
    const lines = new Lines(maxBytes);
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 2 * MiB; n += 1) {
      lines.push(Uint8Array.of(0x20));
      assert.equal(lines.next(), null);
    }
    const grown = (process.memoryUsage().rss - before) / MiB;
    assert.ok(grown < 100, `memory grew by ${grown} MiB`);
    lines.end();
    assert.deepEqual(lines.next(), { number: 1, bytes: 2 * MiB, text: " ".repeat(2 * MiB) });
  });

  it("leave turns to others", async () => {
    const { body } = bytewise(20_000);
    const turns = await turnsDuring(() => readBody(requestWith(body), limit, unlimited()));
    assert.ok(turns > 100, `${turns} turns`);
  });

  it("so do lines", async () => {
    const { body } = bytewise(20_000);
    const lines = new PublishLines({
      body,
      publisher: {} as Publisher,
      clock: systemClock,
      waitMs: 1_000,
      maxLineBytes: maxBytes,
      rules: { maxPayloadBytes: maxBytes, refusal: () => null },
      writeTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
    });
    const reports = new Response(lines.stream).text();
    const turns = await turnsDuring(() => lines.run());
    assert.match(await reports, /"code":"malformed-request"/);
    assert.ok(turns > 100, `${turns} turns`);
  });
});
