import assert from "node:assert/strict";
import * as fc from "fast-check";
import { SseParser, type SseEvent } from "../../src/client/sse-parser.ts";
import { describe, it } from "../support/test.ts";

function parse(...chunks: readonly (string | Uint8Array)[]) {
  const parser = new SseParser();
  const events: SseEvent[] = [];
  for (const chunk of chunks)
    events.push(...parser.feed(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
  return { events, lastId: parser.lastId, retryMs: parser.retryMs };
}

const event = (data: string, type = "message", id = ""): SseEvent => ({ id, type, data });

const table: readonly (readonly [name: string, text: string, expected: readonly SseEvent[]])[] = [
  ["one event", "data: a\n\n", [event("a")]],
  ["CR", "event: x\rdata: a\r\r", [event("a", "x")]],
  ["CRLF", "event: x\r\ndata: a\r\n\r\n", [event("a", "x")]],
  ["line ends mixed", "data: a\rdata: b\r\ndata: c\n\r", [event("a\nb\nc")]],
  ["several lines of data", "data: a\ndata:\ndata: b\n\n", [event("a\n\nb")]],
  ["data that is empty", "data\n\n", [event("")]],
  ["no space, and two", "data:a\ndata:  b\n\n", [event("a\n b")]],
  ["a colon in the value", "data: a: b\n\n", [event("a: b")]],
  ["comments", ": connack\ndata: a\n:\n\n", [event("a")]],
  ["fields that are unknown", "datas: x\n data: y\ndata: a\n\n", [event("a")]],
  [
    "an id, which stands until the next",
    "id: 1\ndata: a\n\ndata: b\n\n",
    [event("a", "message", "1"), event("b", "message", "1")],
  ],
  ["an id alone, as in heartbeats", ": heartbeat\nid: 7\n\ndata: a\n\n", [event("a", "message", "7")]],
  ["an id that is empty, which forgets", "id: 1\n\nid\ndata: a\n\n", [event("a")]],
  ["an id with NUL, which is none", "id: 1\n\nid: a\0b\ndata: a\n\n", [event("a", "message", "1")]],
  ["a type without data, which is none", "event: x\n\ndata: a\n\n", [event("a")]],
  ["an end in the middle of an event", "data: a\n\ndata: b\n", [event("a")]],
  ["a byte order mark at the start, and another", "\uFEFF\uFEFFdata: x\ndata: a\n\n", [event("a")]],
  ["characters of up to four bytes", "data: ä€𝄞\n\n", [event("ä€𝄞")]],
];

describe("SseParser", () => {
  for (const [name, text, expected] of table) {
    it(`reads ${name}, whole and byte by byte`, () => {
      assert.deepEqual(parse(text).events, expected);
      const bytes = new TextEncoder().encode(text);
      assert.deepEqual(parse(...Array.from(bytes, (byte) => Uint8Array.of(byte))).events, expected);
    });
  }

  it("tells how soon to come back, and leaves what is no number", () => {
    assert.equal(parse("retry: 2000\n\nretry: 1e3\nretry: -1\nretry:\n\n").retryMs, 2_000);
    assert.equal(parse("data: a\n\n").retryMs, null);
  });

  it("moves on by an id when its block has ended", () => {
    assert.equal(parse("id: 1\n\nid: 2\n").lastId, "1");
  });

  it("gives the same events however the bytes are cut", () => {
    const field = fc.constantFrom(
      "data: a",
      "data: ä𝄞",
      "data",
      "id: 1",
      "id: 2",
      "event: x",
      "retry: 5",
      ": c",
      "",
      "",
      "\uFEFF",
    );
    const line = fc.tuple(field, fc.constantFrom("\n", "\r", "\r\n"));
    const text = fc.array(line, { maxLength: 20 }).map((lines) => lines.flat().join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 20 }), (whole, cuts) => {
        const bytes = new TextEncoder().encode(whole);
        const at = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length].toSorted((a, b) => a - b);
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        assert.deepEqual(parse(...chunks), parse(bytes));
      }),
      { numRuns: 2_000 },
    );
  });
});
