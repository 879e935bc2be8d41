import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readMessage, readPlainMessage } from "../../routes/publish-message.ts";
import { publishSchema } from "../../src/mqtt/message.ts";
import { Problem } from "../../src/problem.ts";
import { describe, it } from "../support/test.ts";

/** Mostly `good`, else something beside it. */
const mostly = (good: fc.Arbitrary<unknown>, ...odd: unknown[]) =>
  fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...odd) }, fc.jsonValue());

/** Near what is valid, and beside it, as JSON; members may be missing, or be ones that there are not. */
const nearlyMessage = fc
  .tuple(
    fc.record(
      {
        topic: mostly(
          fc.constantFrom("a", "a/b", "$SYS", "é"),
          "",
          "#",
          "a/+",
          "a\0",
          "\ud800",
          "x".repeat(65_536),
        ),
        payload: mostly(fc.string({ unit: "binary" }), "\udc00", "AAAA", "😀"),
        qos: mostly(fc.constantFrom(0, 1, 2), 3, 1.5, "1", true),
        retain: mostly(fc.boolean(), "true", 0),
      },
      { requiredKeys: [] },
    ),
    mostly(fc.constant({}), { payloadEncoding: "base64" }, { payloadEncoding: "UTF8" }, { properties: {} }),
    fc.constantFrom("", "", "", `,"__proto__":{}`, `,"toString":1`, `,"payloadEncoding":"utf8"`, `,"qos":-0`),
  )
  .map(
    ([fields, more, suffix]) =>
      `${JSON.stringify({ topic: "a", ...fields, ...Object(more) }).slice(0, -1)}${suffix}}`,
  );

const parsed = fc.oneof(nearlyMessage, fc.json()).map((json): unknown => JSON.parse(json));

describe("readPlainMessage()", () => {
  it("takes only what the schema takes, for the same message", () => {
    let taken = 0;
    fc.assert(
      fc.property(parsed, (value) => {
        const plain = readPlainMessage(value);
        if (plain === null) return;
        taken += 1;
        assert.deepEqual(publishSchema.parse(value), plain);
      }),
      { numRuns: 5_000 },
    );
    assert.ok(taken > 500, `only ${taken} were taken`);
  });

  for (const value of [
    { topic: "a" },
    { topic: "a", payload: "" },
    { topic: "a/b", payload: "é", qos: 2, retain: true, payloadEncoding: "utf8" },
  ]) {
    it(`takes ${JSON.stringify(value)}`, () =>
      assert.deepEqual(readPlainMessage(value), publishSchema.parse(value)));
  }

  for (const json of [
    `{"topic":"a","__proto__":{}}`,
    `{"topic":"a","properties":{}}`,
    `{"topic":"a","payload":"AA==","payloadEncoding":"base64"}`,
    `{"topic":"a","payload":"\\ud800"}`,
    `["topic"]`,
    `null`,
    `"a"`,
  ])
    it(`leaves ${json} to the schema`, () => assert.equal(readPlainMessage(JSON.parse(json)), null));
});

describe("readMessage()", () => {
  const rules = { maxPayloadBytes: 4, refusal: null };
  const problemOf = (json: string, path?: readonly number[]) => {
    const result = readMessage(JSON.parse(json), rules, path);
    assert.ok(result instanceof Problem, json);
    return { code: result.code, ...result.details };
  };

  it("says where the value stands", () => {
    const { errors } = problemOf(`{"topic":"a","properties":{"topicAlias":0}}`, [3]);
    assert.deepEqual(errors, [{ pointer: "/3/properties/topicAlias", detail: "expected 1 to 65535" }]);
  });

  it("bounds the payload as it is when decoded", () => {
    for (const fits of [
      `{"topic":"a","payload":"abcd"}`,
      `{"topic":"a","payload":"AAAAAA==","payloadEncoding":"base64"}`,
      `{"topic":"a","payload":1234,"payloadEncoding":"json"}`,
    ])
      assert.ok(!(readMessage(JSON.parse(fits), rules) instanceof Problem), fits);
    for (const large of [
      `{"topic":"a","payload":"abcde"}`,
      `{"topic":"a","payload":"éé€"}`,
      `{"topic":"a","payload":"AAAAAAA=","payloadEncoding":"base64"}`,
      `{"topic":"a","payload":"abc","payloadEncoding":"json"}`,
    ]) {
      const { code, limit } = problemOf(large);
      assert.equal(code, "content-too-large", large);
      assert.deepEqual(limit, { name: "CONNACK_MAX_PAYLOAD_BYTES", value: 4 });
    }
  });
});
