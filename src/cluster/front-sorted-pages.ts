/** So many items of a cell behind a cursor, sorted by their keys; `next` is the cursor behind them, null at the end. */
export type AskCell<T> = (
  cell: number,
  after: string | null,
  limit: number,
) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>;

export interface Wanted {
  readonly after: string | null;
  readonly limit: number;
  readonly cells: number;
}

/** Asked of a cell at once, at least: items may be large, and most of those of many cells are not on the page. */
const leastAtOnce = 8;

/** A page of what all cells have, by key; keys are cursors in every cell. `next` is the key of the last item, null at the end. */
export async function mergedPage<T>(
  ask: AskCell<T>,
  keyOf: (item: T) => string,
  { after, limit, cells }: Wanted,
): Promise<{ readonly items: readonly T[]; readonly next: string | null }> {
  const atOnce = Math.min(limit, Math.max(leastAtOnce, Math.ceil((2 * limit) / cells)));
  const parts = await Promise.all(
    Array.from({ length: cells }, async (_, cell) => new Part(cell, await ask(cell, after, atOnce))),
  );
  const items: T[] = [];
  for (;;) {
    let first: Part<T> | null = null;
    for (const part of parts) {
      if (part.isSpent && part.next !== null) part.refill(await ask(part.cell, part.next, atOnce));
      if (part.head !== undefined && (first?.head === undefined || keyOf(part.head) < keyOf(first.head)))
        first = part;
    }
    const last = items.at(-1);
    if (first?.head === undefined) return { items, next: null };
    if (items.length === limit) return { items, next: last === undefined ? after : keyOf(last) };
    items.push(first.head);
    first.pass();
  }
}

/** What of a cell is not on the page yet. */
class Part<T> {
  readonly cell: number;
  #items: readonly T[];
  #next: string | null;
  #at = 0;

  constructor(cell: number, page: Awaited<ReturnType<AskCell<T>>>) {
    this.cell = cell;
    this.#items = page.items;
    this.#next = page.next;
  }

  get head(): T | undefined {
    return this.#items[this.#at];
  }

  get next(): string | null {
    return this.#next;
  }

  get isSpent(): boolean {
    return this.#at >= this.#items.length;
  }

  pass(): void {
    this.#at += 1;
  }

  refill({ items, next }: Awaited<ReturnType<AskCell<T>>>): void {
    this.#items = items;
    this.#next = next;
    this.#at = 0;
  }
}
