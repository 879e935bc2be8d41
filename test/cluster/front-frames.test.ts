import assert from "node:assert/strict";
import { array, assert as check, integer, property } from "fast-check";
import { betweenText, dataOf, eventText, FrameReader, type Frame } from "../../src/cluster/front-frames.ts";
import {
  controlFrame,
  FrameCache,
  heartbeatFrame,
  openingFrame,
  untypedForm,
  type StreamFormat,
} from "../../src/stream/frame.ts";
import { describe, it } from "../support/test.ts";

const at = "2026-01-02T03:04:05.678Z";
const entry = (sequence: number, type: string, members = "") => ({
  sequence,
  type,
  json: `{"id":"e-${sequence}","type":"${type}","at":"${at}"${members}}`,
});
const events = new FrameCache();
const messages = new FrameCache(untypedForm(), false);
const message = { sequence: 9, type: "message", json: `{"id":"m-9","topic":"a/ü","payload":"\\n\\n🙂"}` };

const pieces = (format: StreamFormat): Uint8Array[] => [
  openingFrame(format, at),
  controlFrame(format, "gap", { requested: "ü", oldest: null, reason: "unknown" }),
  controlFrame(format, "snapshot", { at, total: 1, states: {} }, "e-0"),
  events.frame(entry(1, "connected", ',"reason":"über 🙂 \\n\\n\\u2028"'), format, "e-1"),
  heartbeatFrame(format, at, null),
  messages.frame(message, format, "m-9"),
  heartbeatFrame(format, at, "e-7"),
  events.frame(entry(8, "gap", ',"lost":3'), format, "e-8"),
  controlFrame(format, "shutdown", { at }),
];

/** Of a stream that comes in pieces that end anywhere. */
function read(format: StreamFormat, bytes: Uint8Array, cuts: readonly number[]): Frame[] {
  const reader = new FrameReader(format);
  const places = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((a, b) => a - b);
  return places.flatMap((from, i) => reader.push(bytes.subarray(from, places[i + 1] ?? from)));
}

describe("FrameReader", () => {
  for (const format of ["sse", "ndjson"] as const) {
    const all = Buffer.concat(pieces(format));
    const whole = new FrameReader(format).push(all);

    it(`${format}: tells events, control frames, what comes in between, and heartbeats`, () => {
      const said = whole.map((frame) => [
        frame.kind,
        "type" in frame ? frame.type : null,
        "id" in frame ? frame.id : null,
      ]);
      const beat = format === "sse" ? "e-7" : null;
      assert.deepEqual(said, [
        ["idle", null, null],
        ["control", "gap", null],
        ["control", "snapshot", "e-0"],
        ["event", "connected", "e-1"],
        ["idle", null, null],
        ["between", "message", null],
        ["idle", null, beat],
        ["event", "gap", "e-8"],
        ["control", "shutdown", null],
      ]);
    });

    it(`${format}: is the same wherever pieces end, within characters too`, () => {
      check(
        property(array(integer({ min: 0, max: 100_000 }), { maxLength: 40 }), (cuts) => {
          assert.deepEqual(read(format, all, cuts), whole);
        }),
      );
    });

    it(`${format}: an event comes out with the joint id, and its own, and all else as it was`, () => {
      const event = whole.find((frame) => frame.kind === "event");
      assert.ok(event !== undefined);
      const text = Buffer.from(eventText(event, format, "joint"), "latin1").toString("utf8");
      const json = format === "sse" ? /^id: joint\nevent: connected\ndata: (.*)\n\n$/.exec(text)?.[1] : text;
      const own = entry(1, "connected", ',"reason":"über 🙂 \\n\\n\\u2028"');
      const { id: eventId, ...rest } = JSON.parse(own.json) as { id: string };
      assert.deepEqual(JSON.parse(json ?? ""), { id: "joint", eventId, ...rest });
      assert.match(json ?? "", /^\{"id":"joint","eventId":"e-1","type"/);
    });

    it(`${format}: a message comes out as it went in, without an id`, () => {
      const between = whole.find((frame) => frame.kind === "between");
      assert.ok(between !== undefined);
      const text = Buffer.from(betweenText(between, format), "latin1");
      assert.deepEqual(text, Buffer.from(messages.frame(message, format, "m-9")));
    });

    it(`${format}: what a control frame says is read as UTF-8`, () => {
      const gap = whole.find((frame) => frame.kind === "control");
      assert.ok(gap !== undefined);
      assert.equal(dataOf(gap)["requested"], "ü");
    });

    it(`${format}: a frame without end is none of ours`, () => {
      const reader = new FrameReader(format);
      const piece = Buffer.alloc(1_048_576, "x");
      assert.throws(() => {
        for (let n = 0; n < 32; n += 1) reader.push(piece);
      }, RangeError);
    });
  }
});
