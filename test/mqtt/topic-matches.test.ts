import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  matches,
  parseTopicFilter,
  parseTopicName,
  type Parsed,
  type TopicFilter,
  type TopicName,
} from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

/** Filter, names that it matches, names that it does not. */
type Example = readonly [filter: string, yes: readonly string[], no: readonly string[]];

const fromTheStandard: readonly Example[] = [
  // §4.7.1.2
  [
    "sport/tennis/player1/#",
    ["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"],
    ["sport/tennis", "sport/tennis/player10", "sport/tennis/player2/ranking"],
  ],
  ["sport/#", ["sport", "sport/", "sport/a/b"], ["sports", "Sport", "/sport"]],
  ["#", ["a", "/", "/a", "a/b/c", "a/$b"], ["$SYS", "$SYS/monitor/Clients", "$"]],
  // §4.7.1.3
  [
    "sport/tennis/+",
    ["sport/tennis/player1", "sport/tennis/player2", "sport/tennis/"],
    ["sport/tennis/player1/ranking", "sport/tennis"],
  ],
  ["sport/+", ["sport/", "sport/a"], ["sport", "sport/a/", "sport//"]],
  ["sport/+/player1", ["sport/tennis/player1", "sport//player1"], ["sport/player1", "sport/a/b/player1"]],
  ["+", ["finance", " "], ["/finance", "a/b", "/", "$SYS"]],
  ["+/+", ["/finance", "/", "a/b"], ["finance", "a/b/c", "$SYS/a"]],
  ["/+", ["/finance", "/"], ["finance", "a/finance", "//"]],
  ["+/tennis/#", ["sport/tennis", "sport/tennis/a/b", "/tennis"], ["sport/golf", "tennis", "$SYS/tennis"]],
  ["+/#", ["a", "a/b", "/"], ["$SYS", "$SYS/a"]],
  // §4.7.2
  ["+/monitor/Clients", ["a/monitor/Clients"], ["$SYS/monitor/Clients"]],
  ["$SYS/#", ["$SYS/monitor/Clients", "$SYS", "$SYS/"], ["SYS", "$SYSTEM"]],
  ["$SYS/monitor/+", ["$SYS/monitor/Clients"], ["$SYS/monitor", "$SYS/monitor/a/b"]],
  ["$SYS", ["$SYS"], ["$sys", "$SYS/"]],
  // §4.7.3
  ["ACCOUNTS", ["ACCOUNTS"], ["Accounts", "ACCOUNTS/", "/ACCOUNTS"]],
  ["Accounts payable", ["Accounts payable"], ["Accountspayable"]],
  ["/finance", ["/finance"], ["finance"]],
  ["é", ["é"], ["e\u0301"]],
  ["a", ["a"], ["\uFEFFa", "b"]],
  ["a//b", ["a//b"], ["a/b"]],
  // §4.8.2
  [
    "$share/consumer1/sport/tennis/+",
    ["sport/tennis/a"],
    ["$share/consumer1/sport/tennis/a", "sport/tennis"],
  ],
  ["$share/g/#", ["a", "a/b"], ["$SYS/a", "$share/g/a"]],
  ["$share/g/+", ["a", "g"], ["$SYS", "g/a"]],
  ["$share/g/$SYS/#", ["$SYS/a"], ["a"]],
  ["$share/g//a", ["/a"], ["a"]],
  ["$share", ["$share"], ["$share/g"]],
];

const plainLevel = fc.constantFrom("", "a", "b", "$", "$a", "a b", "é");
const nameText = fc
  .array(plainLevel, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
const filterText = fc
  .record({
    share: fc.constantFrom("", "", "$share/g/"),
    levels: fc.array(fc.oneof(plainLevel, fc.constant("+")), { maxLength: 4 }),
    tail: fc.constantFrom([], ["#"]),
  })
  .map(({ share, levels, tail }) => [share, [...levels, ...tail].join("/")] as const)
  .filter(([, inner]) => inner !== "")
  .map(([share, inner]) => share + inner);

describe("matches()", () => {
  for (const [text, yes, no] of fromTheStandard) {
    for (const topicName of yes) {
      it(`says that "${text}" matches "${topicName}"`, () => {
        assert.equal(matches(filter(text), name(topicName)), true);
      });
    }
    for (const topicName of no) {
      it(`says that "${text}" does not match "${topicName}"`, () => {
        assert.equal(matches(filter(text), name(topicName)), false);
      });
    }
  }

  it("agrees with a naive reference", () => {
    let matched = 0;
    fc.assert(
      fc.property(filterText, nameText, (wanted, text) => {
        const expected = reference(wanted, text);
        matched += Number(expected);
        assert.equal(matches(filter(wanted), name(text)), expected);
      }),
      { numRuns: 5_000, seed: 47 },
    );
    assert.ok(matched > 250, `the property saw only ${matched} matches`);
  });

  it("matches every name with itself, and with the name shared", () => {
    fc.assert(
      fc.property(nameText, (text) => {
        fc.pre(!text.startsWith("$share/"));
        assert.ok(matches(filter(text), name(text)));
        assert.ok(matches(filter(`$share/g/${text}`), name(text)));
      }),
    );
  });

  it("matches a name after any of its levels became +, unless it begins with $", () => {
    fc.assert(
      fc.property(nameText, fc.nat(), (text, at) => {
        const levels = text.split("/");
        levels[at % levels.length] = "+";
        const first = at % levels.length === 0;
        fc.pre(!levels.join("/").startsWith("$share/"));
        assert.equal(matches(filter(levels.join("/")), name(text)), !(first && text.startsWith("$")));
      }),
    );
  });
});

/** Section 4.7 as one regular expression a filter, built the slow and obvious way. */
function reference(wanted: string, text: string): boolean {
  const inner = wanted.replace(/^\$share\/[^/]+\//, "");
  if (text.startsWith("$") && /^[+#]/.test(inner)) return false;
  if (inner === "#") return true;
  const pattern = inner
    .replace(/\/#$/, "\u0001")
    .replaceAll(/[$.*?()[\]{}|\\^]/g, String.raw`\$&`)
    .replaceAll("+", "[^/]*")
    .replace("\u0001", "(/.*)?");
  return new RegExp(`^${pattern}$`, "su").test(text);
}

function filter(text: string): TopicFilter {
  return value(parseTopicFilter(text));
}

function name(text: string): TopicName {
  return value(parseTopicName(text));
}

function value<Value>(parsed: Parsed<Value>): Value {
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.detail);
  return parsed.value;
}
