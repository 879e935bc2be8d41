import assert from "node:assert/strict";
import { array, assert as check, asyncProperty, integer } from "fast-check";
import { pageOf, type AskCells, type Place } from "../../src/cluster/front-pages.ts";
import { describe, it } from "../support/test.ts";

describe("pageOf()", () => {
  it("walks through all items once, on full pages, and asks each cell three times a page at most", async () => {
    const sizes = array(integer({ min: 0, max: 80 }), { minLength: 1, maxLength: 40 });
    await check(
      asyncProperty(sizes, integer({ min: 1, max: 120 }), async (cells, limit) => {
        const asked = new Map<number, number>();
        const ask: AskCells = (questions) =>
          Promise.resolve(
            questions.map(({ from, limit: most }) => {
              asked.set(from.cell, (asked.get(from.cell) ?? 0) + 1);
              assert.ok(most >= 1 && most <= limit, `a cell is asked for ${most}`);
              const size = cells[from.cell] ?? 0;
              const start = Number(from.after);
              const end = Math.min(size, start + most);
              const items = Array.from({ length: end - start }, (_, i) => `${from.cell}/${start + i}`);
              return { items, next: end < size ? String(end) : null };
            }),
          );
        const walked: unknown[] = [];
        for (let place: Place | null = { cell: 0, after: "0" }; place !== null;) {
          asked.clear();
          const page = await pageOf(ask, place, limit, cells.length);
          walked.push(...page.items);
          if (page.next !== null) assert.equal(page.items.length, limit);
          assert.ok([...asked.values()].every((times) => times <= 3));
          place = page.next;
          if (place !== null) assert.ok(walked.length > 0);
        }
        const all = cells.flatMap((size, cell) => Array.from({ length: size }, (_, i) => `${cell}/${i}`));
        assert.deepEqual(walked, all);
      }),
      { numRuns: 300 },
    );
  });
});
