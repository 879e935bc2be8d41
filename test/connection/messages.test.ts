import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Messages, messageView, tame } from "../../src/connection/messages.ts";
import type { ReceivedMessage } from "../../src/mqtt/message.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

const roomy = { maxEntries: 1_000, maxBytes: 1_000_000 };
const unruly = /[\u007f-\u009f\u2028\u2029]/;

function message(topic: string, payload: Buffer, properties: object = {}): ReceivedMessage {
  return { topic: topic as TopicName, payload, qos: 0, retain: false, dup: false, properties };
}

/** The messages after appending one for each payload. */
function withAll(payloads: readonly string[], bounds = roomy): Messages {
  const messages = new Messages("e", bounds, () => 0);
  for (const payload of payloads) messages.append(message("t", Buffer.from(payload)));
  return messages;
}

const entries = ({ log }: Messages) => log.readAfter(log.beginning, 1_000) ?? [];

describe("Messages", () => {
  it("numbers them from 1, and each says its id, its time and what it is", () => {
    const [first, second] = entries(withAll(["a", "b"]));
    assert.deepEqual([first?.sequence, second?.sequence], [1, 2]);
    assert.deepEqual(JSON.parse(first?.json ?? ""), {
      id: "e-1",
      at: "1970-01-01T00:00:00.000Z",
      topic: "t",
      payload: "a",
      payloadEncoding: "utf8",
      qos: 0,
      retain: false,
      dup: false,
      properties: {},
    });
  });

  it("has the time and the topic of each, though those before had others", () => {
    let now = 0;
    const messages = new Messages("e", roomy, () => now);
    const sent = [
      [0, "a"],
      [0, "b"],
      [1, "b"],
      [1, "a"],
      [0, "a"],
    ] as const;
    for (const [ms, topic] of sent) {
      now = ms;
      messages.append(message(topic, Buffer.alloc(0)));
    }
    const seen = entries(messages).map(({ json, topic }) => [JSON.parse(json), topic] as const);
    assert.deepEqual(
      seen.map(([{ at, topic }, name]) => [Date.parse(at), topic, name]),
      sent.map(([ms, topic]) => [ms, topic, topic]),
    );
  });

  it("find() has those that are kept, by their id and no other", () => {
    const messages = withAll(["a", "b", "c", "d"], { maxEntries: 2, maxBytes: 1_000_000 });
    const found = (id: string) => messages.find(id)?.sequence ?? null;
    assert.deepEqual([found("e-3"), found("e-4")], [3, 4]);
    for (const id of ["e-0", "e-1", "e-2", "e-5", "f-3", "e-03x", "e3", "3", "", "e--3"])
      assert.equal(found(id), null, id);
    assert.equal(withAll([]).find("e-0"), null);
    assert.equal(withAll([]).find("e-1"), null);
  });

  it("drops the oldest by number and by size, and always has the newest", () => {
    const bySize = withAll(["a".repeat(400), "b".repeat(400), "c".repeat(400)], {
      maxEntries: 10,
      maxBytes: 1_000,
    });
    assert.deepEqual(
      entries(bySize).map(({ sequence }) => sequence),
      [3],
    );
    const none = withAll(["a", "b"], { maxEntries: 0, maxBytes: 0 });
    assert.deepEqual(
      entries(none).map(({ sequence }) => sequence),
      [2],
    );
  });

  it("PROPERTY: whoever decodes the JSON has the payload's bytes, topic and properties again", () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: "binary", maxLength: 100 }).map((text) => Buffer.from(text)),
    );
    const text = fc.string({ unit: "binary", maxLength: 30 });
    const topicName = fc.string({ unit: "binary", minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(payload, topicName, text, (bytes, topic, contentType) => {
        const messages = new Messages("e", roomy, () => 0);
        const arrived = message(topic, bytes, { contentType, userProperties: { [topic]: contentType } });
        messages.append(arrived);
        const json = entries(messages)[0]?.json ?? "";
        const at = "1970-01-01T00:00:00.000Z";
        assert.equal(json, tame(JSON.stringify({ id: "e-1", at, ...messageView(arrived) })));
        assert.ok(!unruly.test(json) && !/[\n\r]/.test(json), json);
        const { payload: shown, payloadEncoding, ...rest } = JSON.parse(json);
        assert.deepEqual(Buffer.from(shown, payloadEncoding), bytes);
        assert.equal(rest.topic, topic);
        assert.equal(rest.properties.contentType, contentType);
        assert.equal(rest.properties.userProperties[topic], contentType);
      }),
      { numRuns: 2_000 },
    );
  });

  it("shows correlation data as text where it is UTF-8, and else as base64", () => {
    const shown = (bytes: number[]) =>
      (
        messageView(message("t", Buffer.alloc(0), { correlationData: Buffer.from(bytes) }))["properties"] as {
          correlationData: unknown;
        }
      ).correlationData;
    assert.equal(shown([0x61, 0xc3, 0xbc]), "aü");
    assert.deepEqual(shown([0xff, 0x00]), { base64: "/wA=" });
  });
});

describe("tame()", () => {
  it("escapes C1 controls, DEL, U+2028 and U+2029, and nothing else", () => {
    for (let code = 0x20; code <= 0xffff; code += 1) {
      const character = String.fromCharCode(code);
      const json = JSON.stringify(character);
      const escaped = (code >= 0x7f && code <= 0x9f) || code === 0x2028 || code === 0x2029;
      assert.equal(tame(json) === json, !escaped, code.toString(16));
      assert.equal(JSON.parse(tame(json)), character);
    }
  });
});
