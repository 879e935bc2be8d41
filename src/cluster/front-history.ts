import { jointGap } from "./front-heads.ts";
import { takeFromQuery } from "./front-query.ts";
import type { Starts } from "./front-starts.ts";
import type { Vector } from "./front-vector.ts";

interface Item {
  readonly id: string;
  /** Its id in its cell, where `id` is that of a place in all of them. */
  readonly eventId?: string;
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
 * with the joint id of the place behind it. `vector` is where they begin. `next` stands behind what the page has, and no
 * further, so that nothing is left out by who asks for the next one; what was evicted meanwhile is then a gap.
 */
export function historyOf(
  histories: readonly CellHistory[],
  vector: Vector,
  { requested }: Pick<Starts, "requested">,
  limit: number,
): JointHistory {
  const gap = jointGap(histories, vector, requested.page);
  const taken = histories.map(() => 0);
  const items: Item[] = [];
  while (items.length < limit) {
    const cell = cellOfOldest(histories, taken);
    const item = histories[cell]?.items[taken[cell] ?? 0];
    if (item === undefined) break;
    taken[cell] = (taken[cell] ?? 0) + 1;
    vector.set(cell, item.id);
    const { id: eventId, ...rest } = item;
    items.push({ id: vector.text(), eventId, ...rest });
  }
  // Where a cell has no more than this, it has been looked through as far as it says.
  for (const [cell, { items: own, next }] of histories.entries())
    if (taken[cell] === own.length) vector.set(cell, next);
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
