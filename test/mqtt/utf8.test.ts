import assert from "node:assert/strict";
import * as fc from "fast-check";
import { checkUtf8String, quoted, utf8Length } from "../../src/mqtt/utf8.ts";
import { describe, it } from "../support/test.ts";

const anyString = fc.string({ unit: "binary", maxLength: 40 });

describe("utf8Length()", () => {
  const lengths: readonly (readonly [text: string, bytes: number])[] = [
    ["", 0],
    ["a", 1],
    ["\u007F", 1],
    ["\u0080", 2],
    ["\u07FF", 2],
    ["\u0800", 3],
    ["\uFEFF", 3],
    ["\uFFFF", 3],
    ["😀", 4],
    ["a😀é", 7],
    ["\u{10FFFF}", 4],
    ["\uD800", 3],
    ["\uDC00\uD800", 6],
    ["\uD800\uD83D\uDE00", 7],
  ];
  for (const [text, bytes] of lengths) {
    it(`of ${JSON.stringify(text)} is ${bytes}`, () => assert.equal(utf8Length(text), bytes));
  }

  it("agrees with TextEncoder, lone surrogates included", () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(anyString, units), (text) => {
        assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
      }),
    );
  });
});

describe("checkUtf8String()", () => {
  const fine: readonly (readonly [title: string, text: string])[] = [
    ["the empty text", ""],
    ["ASCII", "sport/tennis"],
    ["control characters, which are a should not (§1.5.4)", "\u0001\u001F\u007F\u009F\r\n"],
    ["non-characters, which are a should not (§1.5.4)", "\uFFFE\uFFFF\uFDD0\u{1FFFF}"],
    ["U+FEFF (MQTT-1.5.4-3)", "\uFEFFa\uFEFF"],
    ["U+D7FF and U+E000, the neighbours of the surrogates", "\uD7FF\uE000"],
    ["the standard's example A𪛔", "A\u{2A6D4}"],
    ["65,535 bytes of ASCII", "a".repeat(65_535)],
    ["65,535 bytes of three-byte characters", "€".repeat(21_845)],
  ];
  for (const [title, text] of fine) {
    it(`accepts ${title}`, () => assert.equal(checkUtf8String(text), null));
  }

  const wrong: readonly (readonly [title: string, text: string, problem: string])[] = [
    [
      "U+0000 (MQTT-1.5.4-2)",
      "ab\0",
      "has the null character U+0000 at index 2; MQTT strings cannot hold it",
    ],
    [
      "a high surrogate alone (MQTT-1.5.4-1)",
      "a\uD83D",
      "has a lone surrogate at index 1; UTF-8 cannot encode it",
    ],
    ["a low surrogate alone", "\uDE00a", "has a lone surrogate at index 0; UTF-8 cannot encode it"],
    ["a pair in the wrong order", "\uDE00\uD83D", "has a lone surrogate at index 0; UTF-8 cannot encode it"],
    ["a surrogate after a pair", "😀\uD83D", "has a lone surrogate at index 2; UTF-8 cannot encode it"],
    ["65,536 bytes of ASCII", "a".repeat(65_536), "is 65536 bytes long in UTF-8; at most 65535 are allowed"],
    [
      "too many bytes in few characters",
      "😀".repeat(16_384),
      "is 65536 bytes long in UTF-8; at most 65535 are allowed",
    ],
  ];
  for (const [title, text, problem] of wrong) {
    it(`refuses ${title}`, () => assert.equal(checkUtf8String(text), problem));
  }
});

describe("quoted()", () => {
  const shown: readonly (readonly [text: string, message: string])[] = [
    ["a/+", '"a/+"'],
    ["", '""'],
    ["grüße/😀", '"grüße/😀"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["a\r\nb", '"a\\u000d\\u000ab"'],
    ["\u001B[31m", '"\\u001b[31m"'],
    ["\u0085\u2028\u2029", '"\\u0085\\u2028\\u2029"'],
    ["\u202Egnp.exe", '"\\u202egnp.exe"'],
    ["\uFEFFa", '"\\ufeffa"'],
    ["\uD83D!", '"\\ud83d!"'],
    ["\u{E0041}", '"\\u{e0041}"'],
    ["x".repeat(64), `"${"x".repeat(64)}"`],
    ["x".repeat(65), `"${"x".repeat(64)}…"`],
    ["😀".repeat(64), `"${"😀".repeat(64)}"`],
    ["😀".repeat(65), `"${"😀".repeat(64)}…"`],
    ["x".repeat(70_000), `"${"x".repeat(64)}…"`],
  ];
  for (const [text, message] of shown) {
    it(`shows ${JSON.stringify(text.slice(0, 12))} of length ${text.length} as ${message.slice(0, 24)}`, () => {
      assert.equal(quoted(text), message);
    });
  }

  it("never lets a control character or a line separator through", () => {
    fc.assert(fc.property(anyString, (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(quoted(text))));
  });
});
