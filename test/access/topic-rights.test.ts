import assert from "node:assert/strict";
import * as fc from "fast-check";
import { covers, mayPublish, mayRead, maySubscribe } from "../../src/access/topic-rights.ts";
import { matches, parseTopicFilter, parseTopicName } from "../../src/mqtt/topic.ts";
import { describe, it } from "../support/test.ts";

const filter = (text: string) => {
  const parsed = parseTopicFilter(text);
  return parsed.ok ? parsed.value : assert.fail(parsed.detail);
};
const name = (text: string) => {
  const parsed = parseTopicName(text);
  return parsed.ok ? parsed.value : assert.fail(parsed.detail);
};

/** Allowed; what it covers; what it does not. */
const examples: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["a/b", ["a/b", "$share/g/a/b"], ["a/+", "a/#", "#", "+/b", "a", "a/b/c", "A/b", "/a/b"]],
  ["a/+", ["a/+", "a/b", "a/"], ["a", "a/#", "+/+", "a/+/c", "#"]],
  ["a/#", ["a/#", "a", "a/+", "a/b/#", "a/+/#", "a/b/+/c"], ["#", "+/#", "b", "ab", "+"]],
  ["#", ["#", "+", "+/#", "a/#", "/", "/#", "$share/g/#"], ["$SYS", "$SYS/#", "$share/g/$SYS/#"]],
  ["+", ["+", "a", "$share/g/+"], ["#", "+/#", "$SYS", "a/b", "+/+"]],
  ["+/#", ["#", "+/#", "a", "a/#", "+"], ["$SYS/#", "$SYS"]],
  ["+/+/#", ["+/+", "a/b/#", "a/+", "/#"], ["#", "+/#", "a/#", "a"]],
  ["/+/#", ["/#", "/+", "//"], ["a/#", "#"]],
  ["$SYS/#", ["$SYS/#", "$SYS", "$SYS/+/a"], ["#", "+/a", "$SYSTEM"]],
  ["$share/g/a/#", ["a/b", "$share/h/a/#"], ["b", "#"]],
  ["/+", ["/a", "/+", "/"], ["+", "a", "+/a"]],
];

const level = fc.constantFrom("", "a", "b", "$a", "$SYS");
const names = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
const filters = fc
  .tuple(
    fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 3 }),
    fc.boolean(),
    fc.constantFrom("", "$share/g/"),
  )
  .map(([levels, rest, share]) => [share, [...levels, ...(rest ? ["#"] : [])].join("/")] as const)
  .filter(([, text]) => text !== "")
  .map(([share, text]) => share + text);

/** A topic that a filter matches, made of levels that stand in no other filter. */
function witness(text: string, rest: readonly string[]): string {
  const levels = text
    .replace(/^\$share\/g\//, "")
    .split("/")
    .flatMap((each) => (each === "+" ? ["other"] : each === "#" ? rest : [each]));
  return levels.join("/");
}

describe("covers()", () => {
  for (const [allowed, yes, no] of examples) {
    it(`${allowed} covers ${yes.join(" ")}, and not ${no.join(" ")}`, () => {
      for (const text of yes) assert.ok(covers(filter(allowed), filter(text)), text);
      for (const text of no) assert.ok(!covers(filter(allowed), filter(text)), text);
    });
  }

  it("lets no topic through that the allowed filter does not match", () => {
    fc.assert(
      fc.property(filters, filters, names, (allowed, requested, topic) => {
        fc.pre(covers(filter(allowed), filter(requested)));
        if (matches(filter(requested), name(topic))) assert.ok(matches(filter(allowed), name(topic)));
      }),
      { numRuns: 3_000 },
    );
  });

  it("refuses only where there is a topic that would get through", () => {
    fc.assert(
      fc.property(filters, filters, (allowed, requested) => {
        fc.pre(!covers(filter(allowed), filter(requested)));
        const topics = [[], ["other"], ["other", "other"]]
          .map((rest) => witness(requested, rest))
          .filter((topic) => topic !== "" && matches(filter(requested), name(topic)));
        assert.ok(
          topics.some((topic) => !matches(filter(allowed), name(topic))),
          `${allowed} matches ${topics.join(" ")}`,
        );
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("a principal's topics", () => {
  it("are any where it has no filters, and those that one of them matches or covers", () => {
    assert.ok(mayPublish({ publish: null }, name("$SYS/a")));
    assert.ok(maySubscribe({ subscribe: null }, filter("#")));
    const some = [filter("a/+"), filter("b/#")];
    assert.deepEqual(
      ["a/b", "b", "b/c/d", "a", "c"].map((text) => mayPublish({ publish: some }, name(text))),
      [true, true, true, false, false],
    );
    assert.deepEqual(
      ["a/b", "a/b/c"].map((text) => mayRead({ subscribe: some }, name(text))),
      [true, false],
    );
    assert.deepEqual(
      ["a/+", "$share/g/b/#", "+/b"].map((text) => maySubscribe({ subscribe: some }, filter(text))),
      [true, true, false],
    );
    assert.ok(!mayRead({ subscribe: [] }, name("a")));
  });
});
