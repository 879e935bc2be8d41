import assert from "node:assert/strict";
import { createParser } from "eventsource-parser";
import * as fc from "fast-check";
import {
  controlFrame,
  FrameCache,
  heartbeatFrame,
  openingFrame,
  untypedForm,
  type StreamFormat,
} from "../../src/stream/frame.ts";
import { OrderedLog, type Entry } from "../../src/stream/log.ts";
import { describe, it } from "../support/test.ts";

/** What brokers and callers can put into texts, and what a careless framing or a terminal would act on. */
const hostile = [
  "two\nlines",
  "two\r\nlines",
  "\r",
  "\n\ndata: forged\n\n",
  "\nid: 1\nevent: closed",
  "\u001b[31mred",
  "line\u2028separator\u2029",
  "\u202eright to left\u2066",
  "\u0000\u0007\u007f\u0085",
  "\ufeffmark",
  '"quoted" \\ back',
  "\ud800 lone \udfff",
  "",
];

interface Seen {
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly data: unknown;
}

/** Parses as EventSource does, with the bytes cut at the places that are given. */
function parse(bytes: Uint8Array, cuts: readonly number[] = []): { events: Seen[]; comments: string[] } {
  const events: Seen[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, type: event, data: JSON.parse(data) }),
    onComment: (comment) => comments.push(comment),
  });
  // One runtime's decoder takes U+FEFF at the start of a later chunk for a byte order mark, and drops it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (const [index, from] of places.slice(0, -1).entries())
    parser.feed(decoder.decode(bytes.subarray(from, places[index + 1]), { stream: true }));
  return { events, comments };
}

const entryOf = (data: unknown) => ({
  sequence: 1,
  type: "error",
  json: JSON.stringify(data),
});
const text = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
);

describe("FrameCache.frame()", () => {
  it("gives EventSource exactly what went in, whatever the text and wherever the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), fc.array(fc.nat(), { maxLength: 20 }), (texts, cuts) => {
        const frames = texts.map((detail) => new FrameCache().frame(entryOf({ detail }), "sse", "e-1"));
        const { events, comments } = parse(Buffer.concat(frames), cuts);
        assert.deepEqual(
          events,
          texts.map((detail) => ({ id: "e-1", type: "error", data: { detail } })),
        );
        assert.deepEqual(comments, []);
      }),
    );
  });

  it("gives NDJSON a line each, whatever the text", () => {
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        const frames = texts.map((detail) => new FrameCache().frame(entryOf({ detail }), "ndjson", "e-1"));
        const lines = Buffer.concat(frames).toString().split("\n");
        assert.equal(lines.pop(), "");
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)),
          texts.map((detail) => ({ detail })),
        );
        // Readers that split at other ends of lines must not see more of them either.
        for (const line of lines) assert.doesNotMatch(line, /[\r\u000b\f]/);
      }),
    );
  });

  it("encodes an entry once for each format, and forgets some when there are many bytes of them", () => {
    const cache = new FrameCache();
    const entry = entryOf({});
    const first = cache.frame(entry, "sse", "e-1");
    assert.equal(cache.frame(entry, "sse", "e-1"), cache.frame(entry, "sse", "e-1"));
    assert.notDeepEqual(cache.frame(entry, "ndjson", "e-1"), cache.frame(entry, "sse", "e-1"));
    for (let i = 0; i < 3; i += 1) cache.frame(entryOf("x".repeat(500_000)), "sse", "e-2");
    assert.notEqual(cache.frame(entry, "sse", "e-1"), first);
    assert.deepEqual(cache.frame(entry, "sse", "e-1"), first);
  });
});

describe("untypedForm()", () => {
  const decode = (cache: FrameCache, entry: Entry, format: StreamFormat) =>
    Buffer.from(cache.frame(entry, format, "e-1")).toString();

  it("names the type in a line, and leaves the data of an event as it is kept", () => {
    const cache = new FrameCache(untypedForm());
    const entry = { sequence: 1, type: "message", json: '{"id":"e-1","payload":"1"}' };
    assert.equal(decode(cache, entry, "ndjson"), '{"type":"message","id":"e-1","payload":"1"}\n');
    assert.equal(decode(cache, entry, "sse"), `id: e-1\nevent: message\ndata: ${entry.json}\n\n`);
    const empty = { sequence: 2, type: "message", json: "{}" };
    assert.equal(decode(cache, empty, "ndjson"), '{"type":"message"}\n');
  });

  it("gives the same entries in other JSON, each form in batches of its own", () => {
    interface Message extends Entry {
      readonly payload: Buffer;
    }
    const log = new OrderedLog<Message>("e", { maxEntries: 10, maxBytes: 1_000 });
    const payload = Buffer.from("21.5");
    log.append({ sequence: 1, type: "message", payload, json: '{"payload":"21.5"}' });
    const kept = new FrameCache<Message>(untypedForm());
    const base64 = new FrameCache(
      untypedForm((entry: Message) => JSON.stringify({ payload: entry.payload.toString("base64") })),
    );
    const line = (cache: FrameCache<Message>) =>
      JSON.parse(Buffer.from(cache.batchAfter(log, 0, "ndjson")?.bytes ?? []).toString());
    assert.deepEqual(line(kept), { type: "message", payload: "21.5" });
    assert.deepEqual(line(base64), { type: "message", payload: "MjEuNQ==" });
  });
});

describe("The other frames", () => {
  it("open a stream with a comment and the time to come back after, or a line", () => {
    const decoder = new TextDecoder();
    assert.equal(decoder.decode(openingFrame("sse", "now")), "retry: 2000\n: connack\n\n");
    assert.equal(decoder.decode(openingFrame("ndjson", "now")), '{"type":"open","at":"now"}\n');
  });

  it("keep a heartbeat from being an event, though it can move the last id", () => {
    const { events, comments } = parse(
      Buffer.concat([heartbeatFrame("sse", "now", null), heartbeatFrame("sse", "now", "e-7")]),
    );
    assert.deepEqual([events, comments.length], [[], 2]);
    // EventSource takes over the id though there is no data (WHATWG HTML §9.2.6).
    assert.equal(new TextDecoder().decode(heartbeatFrame("sse", "now", "e-7")), ": heartbeat\nid: e-7\n\n");
    assert.equal(
      JSON.parse(new TextDecoder().decode(heartbeatFrame("ndjson", "now", "e-7"))).type,
      "keepalive",
    );
  });

  it("give an event that is in no log no id, unless it has one", () => {
    assert.deepEqual(parse(controlFrame("sse", "gap", { reason: "expired" })).events, [
      { id: undefined, type: "gap", data: { type: "gap", reason: "expired" } },
    ]);
    assert.deepEqual(parse(controlFrame("sse", "snapshot", {}, "e-4")).events, [
      { id: "e-4", type: "snapshot", data: { id: "e-4", type: "snapshot" } },
    ]);
  });
});
