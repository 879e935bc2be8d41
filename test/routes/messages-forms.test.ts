import assert from "node:assert/strict";
import { readMessages } from "../support/message-calls.ts";
import { allArrived, itMeets } from "../support/message-parties.ts";
import { describe } from "../support/test.ts";

const path = "/connections/home/messages?topic=t";
const all = { request: { subscriptions: [{ topicFilter: "t", qos: 1 }] } } as const;

/** What was sent, and how it stands with payload=json. */
const cases = [
  ["text", "plain", '"plain"', "utf8"],
  ["a number of many digits", "12345678901234567890.10", "12345678901234567890.10", "json"],
  ["an object over lines", '{\r\n "a": [1,\n 2]\r}', '{   "a": [1,  2] }', "json"],
  ["line ends in a string", String.raw`"a\nb"`, String.raw`"a\nb"`, "json"],
  ["U+2028 in a string", '"\u2028"', String.raw`"\u2028"`, "json"],
  ["a JSON string of one word", '"on"', '"on"', "json"],
  ["null", "null", "null", "json"],
  ["nearly JSON", "{'a':1}", `"{'a':1}"`, "utf8"],
  ["two values", "1 2", '"1 2"', "utf8"],
  ["NaN", "NaN", '"NaN"', "utf8"],
  ["nothing", "", '""', "utf8"],
  ["a dollar sign for replace()", '"$&$`"', '"$&$`"', "json"],
] as const;

describe("GET /connections/{id}/messages?payload=", () => {
  itMeets(
    "auto is text, base64 the bytes, json the value with its digits, in pages and in streams",
    async (parties) => {
      for (const [, sent] of cases) await parties.say("t", sent);
      await parties.say("t", Buffer.from([0xc3, 0x28]));
      await allArrived(parties);
      const pages = {
        auto: await parties.call("GET", path),
        base64: await parties.call("GET", `${path}&payload=base64`),
        json: await parties.call("GET", `${path}&payload=json`),
      };
      for (const [index, [name, sent, asJson, jsonEncoding]] of cases.entries()) {
        const { payload, payloadEncoding } = pages.auto.body.items[index];
        assert.deepEqual([payload, payloadEncoding], [sent, "utf8"], name);
        const base64 = pages.base64.body.items[index];
        assert.equal(base64.payloadEncoding, "base64", name);
        assert.equal(Buffer.from(base64.payload, "base64").toString(), sent, name);
        const json = pages.json.body.items[index];
        assert.equal(json.payloadEncoding, jsonEncoding, name);
        assert.ok(pages.json.text.includes(`"payload":${asJson},"payloadEncoding":"${jsonEncoding}"`), name);
      }
      // What is no UTF-8 is base64 in every form.
      for (const { body } of Object.values(pages)) {
        const { payload, payloadEncoding } = body.items.at(-1);
        assert.deepEqual([payload, payloadEncoding], ["wyg=", "base64"]);
      }
      for (const form of ["auto", "base64", "json"] as const) {
        for (const format of ["sse", "ndjson"] as const) {
          await using stream = await readMessages(
            parties.app,
            format,
            `?topic=t&payload=${form}&after=earliest`,
          );
          const seen = await stream.until(cases.length + 1);
          const told = seen.map(({ type: _type, eventId: _id, ...rest }) => rest);
          assert.deepEqual(told, pages[form].body.items, `${format}, ${form}`);
        }
      }
    },
    all,
  );
});
