import { jointGap } from "./front-heads.ts";
import { takeFromQuery } from "./front-query.ts";
import type { Starts } from "./front-starts.ts";
import { earliest, Vector } from "./front-vector.ts";

interface Item {
  readonly id: string;
  readonly at: string;
}

/** What a cell answers: events in its order. */
export interface CellHistory {
  readonly items: readonly Item[];
  /** Its own id of how far it has looked. */
  readonly next: string;
  readonly gap?: Readonly<Record<string, unknown>>;
}

/** A page of the history of all cells, in the form of one cell's. */
export interface JointHistory {
  readonly items: readonly Item[];
  readonly next: string;
  readonly gap?: Readonly<Record<string, unknown>>;
}

/** As a cell has it. */
const fallbackLimit = 100;

/** How many events a page of history may have; the cells have refused what is no such number. */
export function historyLimit(url: string): number {
  const [text] = takeFromQuery(url, ["limit"]).values["limit"] ?? [];
  return text === undefined ? fallbackLimit : Number(text);
}

/**
 * One page of what the cells have answered, each with a page of its own: by time, those of one cell in its order, and each
 * with the joint id of the place behind it. `next` stands behind what the page has, and no further, so that nothing is left
 * out by who asks for the next one.
 */
export function historyOf(histories: readonly CellHistory[], starts: Starts, limit: number): JointHistory {
  const vector = new Vector(histories.map((_, cell) => idOrEarliest(starts.afterOf(cell))));
  const taken = histories.map(() => 0);
  const items: Item[] = [];
  while (items.length < limit) {
    const cell = cellOfOldest(histories, taken);
    const item = histories[cell]?.items[taken[cell] ?? 0];
    if (item === undefined) break;
    taken[cell] = (taken[cell] ?? 0) + 1;
    vector.set(cell, item.id);
    items.push({ ...item, id: vector.text() });
  }
  // Where a cell has no more than this, it has been looked through as far as it says.
  for (const [cell, { items: own, next }] of histories.entries())
    if (taken[cell] === own.length) vector.set(cell, next);
  const gap = jointGap(histories, vector, starts.requested);
  return { items, next: vector.text(), ...(gap === null ? {} : { gap }) };
}

/** -1 where all is taken. */
function cellOfOldest(histories: readonly CellHistory[], taken: readonly number[]): number {
  let [best, bestAt] = [-1, ""];
  for (const [cell, { items }] of histories.entries()) {
    const at = items[taken[cell] ?? 0]?.at;
    if (at !== undefined && (best === -1 || at < bestAt)) [best, bestAt] = [cell, at];
  }
  return best;
}

/** A place that a cell does not know is told of as a gap, and what it has begins with the oldest. */
function idOrEarliest(id: string): string {
  return /^.{1,64}-\d{1,15}$/.test(id) ? id : earliest;
}
