import type { Budget } from "./budget.ts";
import type { IdempotencyJournal } from "./idempotency-journal.ts";
import type { KeptForm } from "./idempotency-record.ts";

/** An answer as it was given, to be given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

export type Claim =
  | {
      readonly kind: "new";
      /** Resolves when the answer may leave: it is kept, or cannot be. Never rejects. */
      readonly finish: (answer: StoredAnswer | null) => Promise<void>;
    }
  | { readonly kind: "replay"; readonly answer: StoredAnswer }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" };

type Call =
  | { readonly state: "running" }
  /** Ended, and its answer is on its way to the store; nobody is told of it before it is there. */
  | { readonly state: "keeping"; readonly answer: StoredAnswer }
  | { readonly state: "ended"; readonly answer: StoredAnswer };

interface Entry {
  readonly fingerprint: string;
  readonly form: KeptForm;
  readonly since: number;
  call: Call;
}

const keptMs = 24 * 3_600_000;

/** What may be kept. */
export interface IdempotencyBudgets {
  readonly keys: Budget;
  /** Of the bodies of all answers: most are short, and a response to a request may be as large as a packet. */
  readonly bytes: Budget;
}

/**
 * Answers by Idempotency-Key, for 24 hours; in memory, and with a journal also where they outlive the process. Bounded in
 * keys and bytes: when full, be it by the answers of others, the oldest keys here go first, whether their calls have ended
 * or not.
 */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #budgets: IdempotencyBudgets;
  readonly #now: () => number;
  readonly #journal: IdempotencyJournal | null;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(budgets: IdempotencyBudgets, now: () => number, journal: IdempotencyJournal | null = null) {
    this.#budgets = budgets;
    this.#now = now;
    this.#journal = journal;
  }

  /**
   * Takes up what the journal has of processes before. To be called once, before the first claim; nothing is written until
   * {@link flush}.
   *
   * @throws {StoreError} when it cannot be read
   */
  async restore(): Promise<void> {
    if (this.#journal === null) return;
    for (const { key, fingerprint, form, ageMs, answer } of await this.#journal.restore()) {
      const since = this.#now() - ageMs;
      this.#entries.set(key, { fingerprint, form, since, call: { state: "ended", answer } });
      this.#budgets.keys.force();
      this.#budgets.bytes.force(answer.body.byteLength);
    }
    this.#expire();
    this.#makeRoom(this.#budgets.keys);
    this.#makeRoom(this.#budgets.bytes);
  }

  /** Forgets all, but for what is kept on disk. */
  release(): void {
    for (const { call } of this.#entries.values()) this.#uncount(call);
    this.#entries.clear();
  }

  /** Brings the journal up to date; when all has been restored, and before the end. Never rejects. */
  async flush(): Promise<void> {
    this.#expire();
    await this.#journal?.flush();
  }

  /**
   * Claims a key for a call; `fingerprint` tells whether another call with the key is the same, `form` how the journal is to
   * keep it.
   */
  claim(key: string, fingerprint: string, form: KeptForm = "sealed"): Claim {
    this.#expire();
    const found = this.#entries.get(key);
    if (found !== undefined) {
      if (found.fingerprint !== fingerprint) return { kind: "mismatch" };
      return found.call.state === "ended"
        ? { kind: "replay", answer: found.call.answer }
        : { kind: "running" };
    }
    // Only a new key makes room: a repeated call must not make another one forgotten.
    this.#budgets.keys.force();
    this.#makeRoom(this.#budgets.keys);
    const entry: Entry = { fingerprint, form, since: this.#now(), call: { state: "running" } };
    this.#entries.set(key, entry);
    return { kind: "new", finish: (answer) => this.#finish(key, entry, answer) };
  }

  async #finish(key: string, entry: Entry, answer: StoredAnswer | null): Promise<void> {
    if (this.#entries.get(key) !== entry) return;
    if (answer === null) return this.#forget(key, entry);
    entry.call = { state: "keeping", answer };
    this.#budgets.bytes.force(answer.body.byteLength);
    this.#makeRoom(this.#budgets.bytes);
    // One that is larger than all that may be held has gone again.
    if (this.#journal !== null && this.#entries.get(key) === entry) {
      const { fingerprint, form, since } = entry;
      await this.#journal.keep({ key, fingerprint, form, ageMs: this.#now() - since, answer });
    }
    entry.call = { state: "ended", answer };
  }

  #makeRoom(budget: Budget): void {
    if (!budget.isOver) return;
    budget.noteOver();
    for (const [key, entry] of this.#entries) {
      this.#forget(key, entry);
      if (!budget.isOver) return;
    }
  }

  #uncount(call: Call): void {
    this.#budgets.keys.give();
    if (call.state !== "running") this.#budgets.bytes.give(call.answer.body.byteLength);
  }

  #forget(key: string, { call }: Entry): void {
    this.#entries.delete(key);
    this.#uncount(call);
    this.#journal?.forget(key);
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
