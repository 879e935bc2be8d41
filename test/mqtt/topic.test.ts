import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  hasWildcard,
  isShared,
  parseTopicFilter,
  parseTopicName,
  type Parsed,
} from "../../src/mqtt/topic.ts";
import { quoted } from "../../src/mqtt/utf8.ts";
import { describe, it } from "../support/test.ts";

/** A filter, and how its refusal continues. */
type Refusal = readonly [text: string, problem: string];

function value<Value>(parsed: Parsed<Value>): Value {
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.detail);
  return parsed.value;
}

function detail(parsed: Parsed<unknown>): string {
  assert.ok(!parsed.ok, "it was accepted");
  return parsed.detail;
}

function show(text: string): string {
  return text.length > 40 ? `${JSON.stringify(text.slice(0, 20))}… (${text.length})` : JSON.stringify(text);
}

const longest = `${"é".repeat(32_767)}a`;

const validFilters: readonly string[] = [
  // §4.7.1.1 and §4.7.3: separators anywhere, one character is enough, spaces and case count.
  "a",
  "/",
  "//",
  "/a",
  "a/",
  "a//b",
  "sport/tennis/player1",
  "Accounts payable",
  " ",
  "ACCOUNTS",
  "/finance",
  "*",
  "a*b/c?",
  "漢字/ü/😀",
  "\uFEFF",
  "a\u0001\u007Fb",
  longest,
  // §4.7.1.2
  "#",
  "/#",
  "//#",
  "a/#",
  "sport/tennis/player1/#",
  "sport/#",
  "sport/tennis/#",
  // §4.7.1.3
  "+",
  "/+",
  "+/",
  "/+/",
  "+/+",
  "+/+/+",
  "+/#",
  "/+/#",
  "+/tennis/#",
  "sport/+/player1",
  "sport/+",
  "a/+/b/+/c/#",
  // §4.7.2
  "$",
  "$SYS",
  "$SYS/#",
  "$SYS/+",
  "$SYS/monitor/+",
  "$data/a",
  // §4.8.2
  "$share/g/a",
  "$share/g//",
  "$share/g//a",
  "$share/g/#",
  "$share/g/+",
  "$share/g/a/+/b/#",
  "$share/g/$SYS/#",
  "$share/consumer 1/sport/tennis/+",
  "$share/$g/a",
  "$share/ü/a",
  "$share/g/$share/h/a",
  // These do not begin with "$share/", so they are ordinary filters.
  "$share",
  "$SHARE/g/a",
  "$shared/+/a",
  "/$share/+/a",
];

const misplacedHash = 'has "#" before its last level; only the last level may be "#"';
const shape = "the shape is $share/{ShareName}/{filter}";

function beside(level: string): string {
  return `has a wildcard beside other characters in "${level}"; a wildcard must fill its level`;
}

const invalidFilters: readonly Refusal[] = [
  // §4.7.3
  ["", "is empty; at least one character is wanted"],
  ["a\0b", "has the null character U+0000 at index 1; MQTT strings cannot hold it"],
  ["a/\uD800", "has a lone surrogate at index 2; UTF-8 cannot encode it"],
  ["\uDFFF/#", "has a lone surrogate at index 0; UTF-8 cannot encode it"],
  [`${longest}b`, "is 65536 bytes long in UTF-8; at most 65535 are allowed"],
  ["a".repeat(70_000), "is 70000 bytes long in UTF-8; at most 65535 are allowed"],
  // §4.7.1.2
  ["sport/tennis#", beside("tennis#")],
  ["sport/tennis/#/ranking", misplacedHash],
  ["#/", misplacedHash],
  ["#/a", misplacedHash],
  ["/#/", misplacedHash],
  ["#/#", misplacedHash],
  ["a/#/#", misplacedHash],
  ["#/+", misplacedHash],
  ["##", beside("##")],
  ["a/##", beside("##")],
  ["#a", beside("#a")],
  ["a/#b", beside("#b")],
  ["a/b#/c", beside("b#")],
  ["a/# ", beside("# ")],
  // §4.7.1.3
  ["sport+", beside("sport+")],
  ["+sport", beside("+sport")],
  ["sp+rt", beside("sp+rt")],
  ["sport/+tennis/a", beside("+tennis")],
  ["sport/tennis+", beside("tennis+")],
  ["++", beside("++")],
  ["+#", beside("+#")],
  ["#+", beside("#+")],
  ["a/+b/#", beside("+b")],
  ["$SYS+", beside("$SYS+")],
  ["$share+/g/a", beside("$share+")],
  // §4.8.2
  ["$share/", `has an empty ShareName; ${shape}`],
  ["$share//", `has an empty ShareName; ${shape}`],
  ["$share//a", `has an empty ShareName; ${shape}`],
  ["$share/g", `has no filter after its ShareName; ${shape}`],
  ["$share/g/", `has no filter after its ShareName; ${shape}`],
  ["$share/+/a", `has a wildcard in its ShareName; ${shape}`],
  ["$share/#", `has a wildcard in its ShareName; ${shape}`],
  ["$share/g+/a", `has a wildcard in its ShareName; ${shape}`],
  ["$share/g#h/a", `has a wildcard in its ShareName; ${shape}`],
  ["$share/g/a#", beside("a#")],
  ["$share/g/#/a", misplacedHash],
  ["$share/g/a+", beside("a+")],
];

describe("parseTopicFilter()", () => {
  it("is tried on at least 60 filters, each once", () => {
    const all = [...validFilters, ...invalidFilters.map(([text]) => text)];
    assert.ok(all.length >= 60);
    assert.equal(new Set(all).size, all.length);
  });

  for (const text of validFilters) {
    it(`accepts ${show(text)} unchanged`, () => assert.equal(value(parseTopicFilter(text)), text));
  }
  for (const [text, problem] of invalidFilters) {
    it(`refuses ${show(text)}: ${problem}`, () => {
      assert.equal(detail(parseTopicFilter(text)), `Topic filter ${quoted(text)} ${problem}`);
    });
  }
});

describe("parseTopicName()", () => {
  const names = validFilters.filter((text) => !/[+#]/.test(text));
  for (const text of [...names, "$share/", "$share//a", "$share/g"]) {
    it(`accepts ${show(text)} unchanged`, () => assert.equal(value(parseTopicName(text)), text));
  }
  for (const text of ["+", "#", "a/+", "a+b", "a/#", "$SYS/#", "sport/tennis#"]) {
    it(`refuses ${show(text)}, as wildcards are for filters (MQTT-4.7.1-1)`, () => {
      const wanted = `Topic name "${text}" has a wildcard; wildcards are allowed only in topic filters`;
      assert.equal(detail(parseTopicName(text)), wanted);
    });
  }
  for (const [text, problem] of invalidFilters.slice(0, 6)) {
    it(`refuses ${show(text)}: ${problem}`, () => {
      const message = detail(parseTopicName(text));
      assert.ok(message.startsWith("Topic name "));
      assert.ok(message.endsWith(problem));
    });
  }

  it("shows 64 characters of a long name, with control characters escaped", () => {
    const message = detail(parseTopicName(`\r\n${"x".repeat(70_000)}`));
    const shown = `"\\u000d\\u000a${"x".repeat(62)}…"`;
    assert.equal(message, `Topic name ${shown} is 70002 bytes long in UTF-8; at most 65535 are allowed`);
  });
});

describe("parseTopicFilter() and parseTopicName()", () => {
  it("accept a name exactly when the filter is accepted and has no wildcard, $share aside", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "/", "+", "#", "$", "\0", "\uD800"), maxLength: 8 });
    fc.assert(
      fc.property(text, (candidate) => {
        const asFilter = parseTopicFilter(candidate).ok && !hasWildcard(candidate);
        assert.equal(parseTopicName(candidate).ok, asFilter);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("isShared()", () => {
  for (const text of ["$share/g/a", "$share/g/#"]) {
    it(`is true of ${text}`, () => assert.equal(isShared(text), true));
  }
  for (const text of ["$share", "a", "$SYS/a", "/$share/g/a", "$SHARE/g/a"]) {
    it(`is false of ${text}`, () => assert.equal(isShared(text), false));
  }
});
