import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readGroup, writeGroup } from "../../src/store/group-text.ts";
import type { Change } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

// Any UTF-16 units: what is no character has to come through as well.
const text = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
});

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ type: fc.constant("put" as const), space: text, key: text, value: text }),
  fc.record({
    type: fc.constant("put" as const),
    space: text,
    key: text,
    value: text,
    expect: fc.constant("absent" as const),
  }),
  fc.record({ type: fc.constant("delete" as const), space: text, key: text }),
  fc.record({ type: fc.constant("clear" as const), space: text }),
  fc.record({ type: fc.constant("append" as const), logs: fc.array(text), data: text }),
  fc.record({ type: fc.constant("trim" as const), log: text, through: fc.maxSafeNat() }),
  fc.record({ type: fc.constant("drop" as const), log: text }),
);

describe("group text", () => {
  it("readGroup() gives back what writeGroup() was given", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ token: text, changes: fc.array(change) })), (group) => {
        const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
        assert.deepEqual(plain(readGroup(writeGroup(group))), plain(group));
      }),
    );
  });
});
