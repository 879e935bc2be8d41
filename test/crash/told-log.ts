/** An entry of a log as a reader was shown it; messages have a payload. */
export interface Shown {
  readonly id: string;
  readonly payload?: string;
}

const sequenceOf = (id: string) => Number(id.slice(id.lastIndexOf("-") + 1));

/** What readers were shown of one log, over all crashes. */
export class ToldLog {
  readonly #what: string;
  readonly #onNew: (entry: Shown) => string[];
  readonly #shown = new Map<string, string>();
  #ids: string[] = [];

  /** `what` it is, for complaints; `onNew` is called with what is shown for the first time, and complains, too. */
  constructor(what: string, onNew: (entry: Shown) => string[] = () => []) {
    this.#what = what;
    this.#onNew = onNew;
  }

  /** A reader was shown this. What is wrong with it, if it has been shown before. */
  note(entry: Shown): string[] {
    const text = JSON.stringify(entry);
    const before = this.#shown.get(entry.id);
    if (before !== undefined && before !== text)
      return [`${this.#what}: ${entry.id} was ${before}, and is ${text}`];
    if (before !== undefined) return [];
    this.#shown.set(entry.id, text);
    this.#ids.push(entry.id);
    return this.#onNew(entry);
  }

  /** The newest that was shown, but `back`; null where there is none. */
  cursor(back: number): string | null {
    this.#ids = this.#ids.toSorted((a, b) => sequenceOf(a) - sequenceOf(b));
    return this.#ids.at(-1 - back) ?? null;
  }

  /** What is wrong with all that is read behind `after` now; it counts as shown from here on. */
  compare(after: string | null, read: readonly Shown[]): string[] {
    const from = after === null ? -1 : sequenceOf(after);
    const found = new Set(read.map(({ id }) => id));
    const missing = [...this.#shown.keys()].filter((id) => sequenceOf(id) > from && !found.has(id));
    const wrong = missing.map((id) => `${this.#what}: ${id} is missing: ${this.#shown.get(id)}`);
    for (const [index, { id }] of read.entries()) {
      const before = read[index - 1]?.id;
      if (before !== undefined && sequenceOf(before) >= sequenceOf(id))
        wrong.push(`${this.#what}: ${id} comes behind ${before}`);
    }
    return [...wrong, ...read.flatMap((entry) => this.note(entry))];
  }
}
