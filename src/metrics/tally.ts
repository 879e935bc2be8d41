/** Counts by name; those of a part count in the whole, too. Names come from tables of ours: never from a caller. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #within: Tally | null;

  constructor(within: Tally | null = null) {
    this.#within = within;
  }

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#within?.add(name);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  [Symbol.iterator](): Iterator<[string, number]> {
    return this.#counts.entries();
  }
}
