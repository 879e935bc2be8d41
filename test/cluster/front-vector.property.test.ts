import assert from "node:assert/strict";
import { array, assert as check, constantFrom, integer, oneof, property, string, tuple } from "fast-check";
import { earliest, Vector } from "../../src/cluster/front-vector.ts";
import { describe, it } from "../support/test.ts";

const epochs = constantFrom("0123456789ab", "epoch-of-a-store", "00", "0", "é", "A-1", "x".repeat(64));
const sequences = oneof(
  integer({ min: 0, max: 300 }),
  integer({ min: 0, max: 2 ** 31 - 1 }),
  constantFrom(127, 128, 16_383, 16_384, 999_999_999_999_999),
);
const id = oneof(
  { weight: 1, arbitrary: constantFrom(earliest) },
  { weight: 4, arbitrary: tuple(epochs, sequences).map(([epoch, sequence]) => `${epoch}-${sequence}`) },
);
const ids = array(id, { minLength: 1, maxLength: 40 });

describe("Vector", () => {
  it("comes back from its text as it was, and the text from it", () => {
    check(
      property(ids, (all) => {
        const text = new Vector(all).text();
        assert.match(text, /^[\w-]+$/);
        const again = Vector.parse(text, all.length);
        assert.deepEqual(again?.ids, all);
        assert.equal(again.text(), text);
      }),
    );
  });

  it("has one text, however it came to be", () => {
    const moves = array(tuple(integer({ min: 0, max: 39 }), id), { maxLength: 60 });
    check(
      property(ids, moves, (all, steps) => {
        const moved = new Vector(all);
        const wanted = [...all];
        for (const [cell, next] of steps) {
          const own = cell % all.length;
          // As a reader does: with texts in between.
          moved.text();
          moved.set(own, next);
          wanted[own] = next;
          assert.equal(moved.idOf(own), next);
        }
        assert.deepEqual(moved.ids, wanted);
        assert.equal(moved.text(), new Vector(wanted).text());
        const [cell, next] = steps[0] ?? [0, earliest];
        const changed = moved.with(cell % all.length, next);
        assert.equal(changed.idOf(cell % all.length), next);
        assert.deepEqual(moved.ids, wanted);
      }),
    );
  });

  it("takes no text for another vector, whatever somebody has done to it", () => {
    check(
      property(
        ids,
        integer({ min: 0, max: 10_000 }),
        string({ minLength: 1, maxLength: 1 }),
        (all, at, put) => {
          const text = new Vector(all).text();
          const place = at % text.length;
          const spoiled = [
            text.slice(0, place) + put + text.slice(place + 1),
            text.slice(0, place),
            text + put,
            text.slice(0, place) + put + text.slice(place),
          ];
          for (const each of spoiled) {
            const parsed = Vector.parse(each, all.length);
            // Another one of our form, by chance, is no less of one spelling.
            if (parsed !== null) assert.equal(parsed.text(), each);
          }
          assert.equal(Vector.parse(text, all.length + 1), null);
          assert.equal(Vector.parse(text, all.length - 1), null);
        },
      ),
    );
  });

  it("takes no text that was cut off for one", () => {
    check(
      property(ids, (all) => {
        const text = new Vector(all).text();
        for (let length = 0; length < text.length; length += 1) {
          const parsed = Vector.parse(text.slice(0, length), all.length);
          if (parsed !== null) assert.equal(parsed.text(), text.slice(0, length));
        }
      }),
    );
  });

  it("takes no number without end for one", () => {
    const head = [1, 1, 1, 2, 97, 7];
    assert.deepEqual(Vector.parse(Buffer.from([...head, 1]).toString("base64url"), 1)?.ids, ["a-7"]);
    for (const count of [7, 8, 9, 16]) {
      const endless = Array.from({ length: count }, () => 255);
      assert.equal(Vector.parse(Buffer.from([...head, ...endless]).toString("base64url"), 1), null);
    }
  });

  it("takes nothing else for one", () => {
    const others = [
      "",
      "earliest",
      "unknown",
      "0123456789ab-7",
      "AA",
      "AQ",
      "A".repeat(9_000),
      "=",
      "AQIB AA",
      "é",
    ];
    for (const text of others)
      for (const cells of [1, 3, 12]) assert.equal(Vector.parse(text, cells), null, text);
    check(
      property(string({ unit: constantFrom(..."AQgBCD-_az09".split("")), maxLength: 80 }), (text) => {
        const parsed = Vector.parse(text, 3);
        if (parsed !== null) assert.equal(parsed.text(), text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuses what is no id of a cell", () => {
    const vector = new Vector(["a-1", "a-2"]);
    for (const wrong of [
      "",
      "a",
      "-1",
      "a-",
      "a-x",
      "a-1e3",
      "a-1.5",
      "a-01",
      "a--",
      `${"x".repeat(65)}-1`,
      "a-1234567890123456",
    ])
      assert.throws(() => vector.set(1, wrong), RangeError, wrong);
    assert.throws(() => new Vector(["nothing"]), RangeError);
    assert.deepEqual(vector.ids, ["a-1", "a-2"]);
  });

  it("is short: of twelve cells with a billion events each of one store", () => {
    const all = Array.from({ length: 12 }, (_, n) => `0123456789ab-${1_000_000_000 + n * 9_999_999}`);
    assert.ok(new Vector(all).text().length <= 110);
  });

  it("keeps no epoch that no cell is in any more", () => {
    const vector = new Vector(["a-1", "a-2"]);
    for (let n = 0; n < 1_000; n += 1) vector.set(n % 2, `epoch${n}-${n}`);
    assert.ok(vector.text().length < 60);
  });
});
