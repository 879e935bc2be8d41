/** An answer as it was given, to be given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export type Claim =
  | { readonly kind: "new"; readonly finish: (answer: StoredAnswer | null) => void }
  | { readonly kind: "replay"; readonly answer: StoredAnswer }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" };

interface Entry {
  readonly fingerprint: string;
  readonly since: number;
  answer: StoredAnswer | null;
}

const keptMs = 24 * 3_600_000;

/**
 * Answers by Idempotency-Key, in memory, for 24 hours. Bounded: when full, the oldest keys go first, whether their
 * calls have ended or not.
 */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #maxKeys: number;
  readonly #now: () => number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(maxKeys: number, now: () => number) {
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  /** Claims a key for a call; `fingerprint` tells whether another call with the key is the same. */
  claim(key: string, fingerprint: string): Claim {
    this.#expire();
    const found = this.#entries.get(key);
    if (found !== undefined) {
      if (found.fingerprint !== fingerprint) return { kind: "mismatch" };
      return found.answer === null ? { kind: "running" } : { kind: "replay", answer: found.answer };
    }
    // Only a new key makes room: a repeated call must not make another one forgotten.
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#maxKeys && oldest !== undefined) this.#entries.delete(oldest);
    const entry: Entry = { fingerprint, since: this.#now(), answer: null };
    this.#entries.set(key, entry);
    const finish = (answer: StoredAnswer | null) => {
      if (answer !== null) entry.answer = answer;
      else if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    return { kind: "new", finish };
  }

  /** Entries are in the order of their age, so the old ones are at the front. */
  #expire(): void {
    const oldest = this.#now() - keptMs;
    for (const [key, entry] of this.#entries) {
      if (entry.since >= oldest) return;
      this.#entries.delete(key);
    }
  }
}
