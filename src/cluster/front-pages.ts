/** Where a page begins: in a cell, after a place of its own. */
export interface Place {
  readonly cell: number;
  readonly after: string;
}

/** What a cell answers. */
export interface CellPage {
  readonly items: readonly unknown[];
  /** Null where there are no more. */
  readonly next: string | null;
}

/** Asks cells at once, for so many items each. */
export type AskCells = (
  questions: readonly { readonly from: Place; readonly limit: number }[],
) => Promise<readonly CellPage[]>;

interface Part extends CellPage {
  readonly from: Place;
}

/** Cells that are asked at once. */
const atOnce = 16;
/** Asked of cells that the page may not come to: enough where cells have few, and little where the first has it all. */
const ahead = 32;

/**
 * A page of exactly `limit` items, or of all that there are, from a place on through all cells in order; `next` is null
 * where nothing is left behind it. A cell is asked at most three times: ahead, for what the page needs of it, and for where
 * in it the page ends.
 */
export async function pageOf(
  ask: AskCells,
  start: Place,
  limit: number,
  shards: number,
): Promise<{ readonly items: readonly unknown[]; readonly next: Place | null }> {
  const items: unknown[] = [];
  for (let cell = start.cell; cell < shards; cell += atOnce) {
    const count = Math.min(atOnce, shards - cell);
    const places = Array.from({ length: count }, (_, i) =>
      i === 0 && cell === start.cell ? start : { cell: cell + i, after: "0" },
    );
    for (const part of await partsOf(ask, places, limit - items.length)) {
      const { items: own, next } = await exactly(ask, part, limit - items.length);
      if (items.length === limit && own.length > 0) return { items, next: part.from };
      items.push(...own);
      if (next !== null) return { items, next: { cell: part.from.cell, after: next } };
    }
  }
  return { items, next: null };
}

/** Enough of each cell, as far as the page goes. */
async function partsOf(ask: AskCells, places: readonly Place[], need: number): Promise<Part[]> {
  const questions = places.map((from, i) => ({
    from,
    limit: i === 0 && need > 0 ? need : Math.max(1, Math.min(ahead, need)),
  }));
  const parts = withPlaces(questions, await ask(questions));
  let known = 0;
  const short: { readonly from: Place; readonly limit: number }[] = [];
  for (const { from, items, next } of parts) {
    if (next !== null && items.length < need - known) short.push({ from, limit: need - known });
    known += items.length;
  }
  if (short.length === 0) return parts;
  const more = new Map(withPlaces(short, await ask(short)).map((part) => [part.from, part]));
  return parts.map((part) => more.get(part.from) ?? part);
}

/** So many of a cell, or all of it: where it ends there only it can say. */
async function exactly(ask: AskCells, part: Part, need: number): Promise<CellPage> {
  if (need === 0) return { items: part.items, next: null };
  if (part.items.length <= need && (part.next === null || part.items.length === need)) return part;
  const [page] = await ask([{ from: part.from, limit: need }]);
  return page ?? part;
}

function withPlaces(questions: readonly { readonly from: Place }[], pages: readonly CellPage[]): Part[] {
  return questions.map(({ from }, i) => ({ from, ...(pages[i] ?? { items: [], next: null }) }));
}
