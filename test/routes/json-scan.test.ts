import assert from "node:assert/strict";
import * as fc from "fast-check";
import { isReadAsItStands } from "../../routes/middleware/json-number.ts";
import { findFault } from "../../routes/middleware/json-scan.ts";
import { describe, it } from "../support/test.ts";

/** JSON before it is written: members in order, of which two may have one name. */
type Tree = string | readonly Tree[] | { readonly members: readonly (readonly [string, Tree])[] };

const name = fc.oneof(
  fc.constantFrom("a", "b", "", "a/b", "~", "__proto__", "toString", '"', "\\"),
  fc.string({ unit: "grapheme", maxLength: 4 }),
);

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie("tree")), { maxLength: 16 }).map((members) => ({ members })),
  ),
}));

/** Every character by its escape, or as it is. */
const written = (text: string, escaped: boolean) =>
  escaped
    ? `"${Array.from(text.split(""), (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`
    : JSON.stringify(text);

function write(value: Tree, escaped: boolean, space: string): string {
  const inner = (each: Tree) => write(each, escaped, space);
  if (typeof value === "string") return written(value, escaped);
  if (!("members" in value)) return `[${space}${value.map(inner).join(`${space},${space}`)}${space}]`;
  const members = value.members.map(([own, each]) => `${written(own, escaped)}${space}:${inner(each)}`);
  return `{${space}${members.join(`,${space}`)}}`;
}

/** What the scan should find, by walking the tree. */
function expected(value: Tree, path: readonly (string | number)[] = []): readonly (string | number)[] | null {
  if (typeof value === "string") return null;
  if (!("members" in value)) {
    for (const [index, each] of value.entries()) {
      const found = expected(each, [...path, index]);
      if (found !== null) return found;
    }
    return null;
  }
  const seen = new Set<string>();
  for (const [own, each] of value.members) {
    if (seen.has(own) || own === "__proto__") return [...path, own];
    seen.add(own);
    const found = expected(each, [...path, own]);
    if (found !== null) return found;
  }
  return null;
}

describe("findFault()", () => {
  it("finds the first name that stands twice, wherever, however it is written", () => {
    let found = 0;
    fc.assert(
      fc.property(tree, fc.boolean(), fc.constantFrom("", " ", "\n\t"), (value, escaped, space) => {
        const text = write(value, escaped, space);
        JSON.parse(text);
        const wanted = expected(value);
        if (wanted !== null) found += 1;
        assert.deepEqual(findFault(text)?.path ?? null, wanted, text);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(found > 300, `only ${found} had any`);
  });

  it("finds nothing in what JSON.stringify writes, and bears what is no JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        if (!text.includes("__proto__")) assert.equal(findFault(text), null, text);
      }),
    );
    const pieces = fc.constantFrom(...Array.from('[]{}:,"\\0-9e.u '), '"a"', "true", "\\ud800", "\uFEFF");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => void findFault(parts.join(""))),
      { numRuns: 5_000 },
    );
  });

  it("takes time in proportion to the text, however it is made", () => {
    const size = 1_000_000;
    for (const text of [
      `"${"\\".repeat(size)}"`,
      `"${'\\"'.repeat(size / 2)}"`,
      `["${"a".repeat(size)}"`,
      `[${'"",'.repeat(size / 3)}"\\n"]`,
      `[0.${"0".repeat(size)}1]`,
      `[${"9".repeat(size)}]`,
      `[0.${"01".repeat(size / 2)}e5]`,
      "-".repeat(size),
      `{${Array.from({ length: size / 10 }, (_, n) => `"${n}":0`).join()}}`,
      '{"a":'.repeat(size / 5),
    ]) {
      const started = performance.now();
      findFault(text);
      const ms = performance.now() - started;
      // Far more than it takes; the square of such a size would be minutes.
      assert.ok(ms < 3_000, `${text.slice(0, 20)}: ${ms} ms`);
    }
  });
});

describe("isReadAsItStands()", () => {
  it("takes every double as it is written, and every integer that would be written as it was", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
        isReadAsItStands(JSON.stringify(value)),
      ),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (value) => {
        assert.equal(isReadAsItStands(String(value)), String(Number(value)) === String(value));
      }),
    );
    // A double, and yet written as …930: whoever is sent it would have another number.
    assert.equal(isReadAsItStands("22522667828276928"), false);
  });
});
