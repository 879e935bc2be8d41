import assert from "node:assert/strict";
import * as fc from "fast-check";
import { mergedPage, type AskCell } from "../../src/cluster/front-sorted-pages.ts";
import { describe, it } from "../support/test.ts";

describe("mergedPage()", () => {
  it("pages through what all cells have, in order, each once, and asks no cell for more than a page", async () => {
    const cellsOf = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { maxLength: 40 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(cellsOf, fc.integer({ min: 1, max: 30 }), async (numbers, limit) => {
        // No two cells have the same one.
        const keys = numbers.map((all, cell) =>
          all.map((n) => `${String(n).padStart(3, "0")}-${cell}`).toSorted(),
        );
        const ask: AskCell<string> = async (cell, after, most) => {
          assert.ok(most <= limit);
          const rest = (keys[cell] ?? []).filter((key) => after === null || key > after);
          const items = rest.slice(0, most);
          return { items, next: rest.length > most ? (items.at(-1) ?? null) : null };
        };
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof mergedPage<string>>> = await mergedPage(ask, (key) => key, {
            ...{ after, limit, cells: keys.length },
          });
          if (page.next !== null) assert.equal(page.items.length, limit);
          seen.push(...page.items);
          after = page.next;
        } while (after !== null);
        assert.deepEqual(seen, keys.flat().toSorted());
      }),
    );
  });
});
