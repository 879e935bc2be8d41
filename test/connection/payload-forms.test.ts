import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Messages, type MessageEntry } from "../../src/connection/messages.ts";
import { contentTypeOf, inForm, payloadOf } from "../../src/connection/payload-forms.ts";
import type { TopicName } from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

function entryOf(payload: Buffer | string, topic = "t", properties: object = {}): MessageEntry {
  const messages = new Messages("e", { maxEntries: 1, maxBytes: 1 }, () => 0);
  messages.append({
    topic: topic as TopicName,
    payload: Buffer.from(payload as string),
    qos: 1,
    retain: false,
    dup: false,
    properties,
  });
  const entry = messages.find("e-1");
  assert.ok(entry);
  return entry;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
  fc.string({ unit: "binary", maxLength: 60 }).map((each) => Buffer.from(each)),
);
/** One line, without what terminals take for more than a character. */
const isTame = (json: string) => !/[\n\r\u007f-\u009f\u2028\u2029]/.test(json);

describe("payloadOf() and inForm()", () => {
  it("PROPERTY: give back the payload's bytes, in every form that is not a JSON value", () => {
    fc.assert(
      fc.property(bytes, (payload) => {
        const entry = entryOf(payload);
        assert.deepEqual(payloadOf(entry), payload);
        assert.equal(inForm(entry, "auto"), entry.json);
        const { payload: base64, payloadEncoding, ...rest } = JSON.parse(inForm(entry, "base64"));
        assert.equal(payloadEncoding, "base64");
        assert.deepEqual(Buffer.from(base64, "base64"), payload);
        const { payload: _payload, payloadEncoding: _encoding, ...others } = JSON.parse(entry.json);
        assert.deepEqual(rest, others);
      }),
      { numRuns: 1_000 },
    );
  });

  it("PROPERTY: json has the value of whatever is JSON, however it is written, on one line", () => {
    const spaces = fc.constantFrom("", " ", "\n", "\r\n", "\t");
    const written = fc
      .tuple(fc.jsonValue({ stringUnit: "binary" }), spaces, spaces, fc.integer({ min: 0, max: 3 }))
      .map(([value, before, after, indent]) => `${before}${JSON.stringify(value, null, indent)}${after}`);
    fc.assert(
      fc.property(written, fc.string({ unit: "binary", minLength: 1 }), (text, topic) => {
        const json = inForm(entryOf(text, topic), "json");
        assert.ok(isTame(json), JSON.stringify(json));
        const message = JSON.parse(json);
        assert.deepEqual([message.payloadEncoding, message.topic], ["json", topic]);
        assert.deepEqual(message.payload, JSON.parse(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it("PROPERTY: json leaves what is not JSON as it stands", () => {
    fc.assert(
      fc.property(bytes, (payload) => {
        const entry = entryOf(payload);
        let isJson = true;
        try {
          JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
        } catch {
          isJson = false;
        }
        if (!isJson) assert.equal(inForm(entry, "json"), entry.json);
      }),
      { numRuns: 1_000 },
    );
  });

  it("json keeps digits, the order of keys, and keys that are there twice", () => {
    for (const text of [
      "12345678901234567890",
      "1.10",
      "-0.0",
      "1e400",
      '{"b":1,"a":2,"1":3}',
      '{"a":1,"a":2}',
    ])
      assert.ok(inForm(entryOf(text), "json").includes(`"payload":${text},"payloadEncoding":"json"`), text);
  });

  it("json is not misled by a topic that looks like the place for the payload", () => {
    const topic = '","payload":null,"a":"';
    const { payload, topic: shown } = JSON.parse(inForm(entryOf("[1]", topic), "json"));
    assert.deepEqual([payload, shown], [[1], topic]);
  });
});

describe("contentTypeOf()", () => {
  it("is what came with the message, and undefined where nothing did", () => {
    assert.equal(contentTypeOf(entryOf("x", "t", { contentType: "text/plain" })), "text/plain");
    assert.equal(contentTypeOf(entryOf("x")), undefined);
  });
});
