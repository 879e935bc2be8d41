/** An answer as it was given, to be given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
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

/** Bytes of the bodies of all answers: most are short, and a response to a request may be as large as a packet. */
const keptBytes = 67_108_864;

/**
 * Answers by Idempotency-Key, in memory, for 24 hours. Bounded in keys and bytes: when full, the oldest keys go first,
 * whether their calls have ended or not.
 */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #maxKeys: number;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #bytes = 0;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(maxKeys: number, now: () => number, maxBytes = keptBytes) {
    this.#maxKeys = maxKeys;
    this.#maxBytes = maxBytes;
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
    if (this.#entries.size >= this.#maxKeys) this.#forgetOldest();
    const entry: Entry = { fingerprint, since: this.#now(), answer: null };
    this.#entries.set(key, entry);
    const finish = (answer: StoredAnswer | null) => {
      if (this.#entries.get(key) !== entry) return;
      if (answer === null) return this.#forget(key, entry);
      entry.answer = answer;
      this.#bytes += answer.body.byteLength;
      while (this.#bytes > this.#maxBytes) this.#forgetOldest();
    };
    return { kind: "new", finish };
  }

  #forgetOldest(): void {
    for (const [key, entry] of this.#entries) return this.#forget(key, entry);
  }

  #forget(key: string, { answer }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= answer?.body.byteLength ?? 0;
  }

  /** Entries are in the order of their age, so the old ones are at the front. */
  #expire(): void {
    const oldest = this.#now() - keptMs;
    for (const [key, entry] of this.#entries) {
      if (entry.since >= oldest) return;
      this.#forget(key, entry);
    }
  }
}
