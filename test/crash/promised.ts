/** What a caller has done, and been told, about a thing: `asking` and `leaving` have not been answered. */
type Standing = "asking" | "there" | "leaving" | "gone";

interface Entry<T> {
  readonly standing: Standing;
  /** What was shown of it; null while nothing was. */
  readonly shown: T | null;
}

/** Things that were asked for and given back over HTTP, against what is really there after a crash. */
export class Promised<T> {
  readonly #what: string;
  readonly #entries = new Map<string, Entry<T>>();

  /** `what` they are, for complaints. */
  constructor(what: string) {
    this.#what = what;
  }

  /** The answer to its creation is awaited. */
  ask(key: string): void {
    this.#entries.set(key, { standing: "asking", shown: this.#entries.get(key)?.shown ?? null });
  }

  /** It was answered that it is there. */
  told(key: string, shown: T): void {
    this.#entries.set(key, { standing: "there", shown });
  }

  /** It stays, and what is shown of it may be another thing from now on. */
  change(key: string): void {
    this.#entries.set(key, { standing: "there", shown: null });
  }

  /** The answer to its deletion is awaited. */
  leave(key: string): void {
    this.#entries.set(key, { standing: "leaving", shown: this.#entries.get(key)?.shown ?? null });
  }

  /** It was answered that it has gone. */
  left(key: string): void {
    this.#entries.set(key, { standing: "gone", shown: null });
  }

  /** Those that are there for certain. */
  certain(): string[] {
    return this.#keys("there");
  }

  /** Those whose end was asked for and not answered. */
  leaving(): string[] {
    return this.#keys("leaving");
  }

  /** What is wrong with what is there; it holds from here on, where no answer had said. */
  compare(actual: ReadonlyMap<string, T>): string[] {
    const wrong: string[] = [];
    for (const [key, { standing, shown }] of this.#entries) {
      const found = actual.get(key);
      if (standing === "there" && found === undefined) wrong.push(`${this.#what} ${key} is missing`);
      if (standing === "gone" && found !== undefined) wrong.push(`${this.#what} ${key} is back`);
      if (found !== undefined && shown !== null && JSON.stringify(found) !== JSON.stringify(shown))
        wrong.push(
          `${this.#what} ${key} was ${JSON.stringify(shown)}, and comes back as ${JSON.stringify(found)}`,
        );
      if (found === undefined) this.left(key);
      else this.told(key, found);
    }
    for (const key of actual.keys())
      if (!this.#entries.has(key)) wrong.push(`${this.#what} ${key} was asked for by nobody`);
    return wrong;
  }

  #keys(wanted: Standing): string[] {
    return [...this.#entries].filter(([, { standing }]) => standing === wanted).map(([key]) => key);
  }
}
