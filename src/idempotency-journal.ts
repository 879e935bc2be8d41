import { z } from "zod";
import type { Clock } from "./clock.ts";
import type { StoredAnswer } from "./idempotency.ts";
import { LastingTime, type TimeMark } from "./lasting-time.ts";
import type { Logger } from "./log.ts";
import { StoreError, type Change, type Lease, type Store } from "./store/store.ts";

/** What was kept of a call that has ended. */
export interface KeptAnswer {
  readonly key: string;
  readonly fingerprint: string;
  /** Since the key was claimed. */
  readonly ageMs: number;
  readonly answer: StoredAnswer;
}

const space = "idempotency";
const timeSpace = "idempotency-time";
const timeKey = "mark";
const pageSize = 100;
/** Deletions that go along with one commit. */
const mostDeletions = 1_000;

const recordSchema = z.object({
  fingerprint: z.string(),
  claimedAt: z.number(),
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64(),
});

const markSchema = z.object({ at: z.number(), wall: z.number() });

/**
 * Answers by Idempotency-Key, in a store. A call is kept when it has ended: one that was running when the process died is
 * free to come again, for nobody was answered.
 */
export class IdempotencyJournal {
  readonly #store: Store;
  readonly #lease: Lease;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Keys under which there may be a record, and should be. */
  readonly #held = new Set<string>();
  /** Keys under which there may be a record, and should not; deleted along with what is written next. */
  readonly #forgotten = new Set<string>();
  #time: LastingTime;
  /** Answers that were not kept since one was. */
  #missed = 0;

  constructor({ store, lease }: { store: Store; lease: Lease }, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#lease = lease;
    this.#clock = clock;
    this.#logger = logger;
    this.#time = new LastingTime(null, clock);
  }

  /**
   * What the processes before have kept, the oldest first. To be called once, before anything is written.
   *
   * @throws {StoreError}
   */
  async restore(): Promise<readonly KeptAnswer[]> {
    this.#time = new LastingTime(readMark(await this.#store.get(timeSpace, timeKey)), this.#clock);
    const now = this.#time.now();
    const kept: KeptAnswer[] = [];
    let unreadable = 0;
    for (let after: string | null = null; ;) {
      const page = await this.#store.records(space, after, pageSize);
      for (const { key, value } of page) {
        this.#held.add(key);
        const record = readRecord(value);
        if (record !== null) kept.push({ key, ...record, ageMs: Math.max(now - record.claimedAt, 0) });
        else {
          unreadable += 1;
          this.forget(key);
        }
        after = key;
      }
      if (page.length < pageSize) break;
    }
    if (unreadable > 0)
      this.#logger.warn("answers by Idempotency-Key cannot be read, and are deleted", { count: unreadable });
    return kept.toSorted((a, b) => b.ageMs - a.ageMs);
  }

  /**
   * Keeps an answer, and resolves when it is kept. Never rejects: what was done is done, and who asked for it has to be
   * told. Without its answer he would ask again, which is what the key was to make harmless. So all that is lost when the
   * store refuses is that after a restart the key is free; the log says so.
   */
  async keep({ key, fingerprint, ageMs, answer }: KeptAnswer): Promise<void> {
    const { status, headers, body } = answer;
    const claimedAt = this.#time.now() - ageMs;
    const record = { fingerprint, claimedAt, status, headers, body: Buffer.from(body).toString("base64") };
    this.#held.add(key);
    this.#forgotten.delete(key);
    const failure = await this.#commit([{ type: "put", space, key, value: JSON.stringify(record) }]);
    if (failure === null) this.#sayKept();
    else this.#sayMissed(failure);
  }

  /** Deletes what was kept under a key, some time later. */
  forget(key: string): void {
    if (this.#held.delete(key)) this.#forgotten.add(key);
  }

  /** Deletes now what is to be deleted, and notes the time; at the start, and before the end. Never rejects. */
  async flush(): Promise<void> {
    do {
      const failure = await this.#commit([]);
      if (failure === null) continue;
      this.#logger.warn("forgotten answers by Idempotency-Key cannot be deleted", { reason: failure });
      return;
    } while (this.#forgotten.size > 0);
  }

  /** Makes these changes, and some deletions; resolves with why it was not possible. */
  async #commit(changes: readonly Change[]): Promise<string | null> {
    const mark: Change = {
      type: "put",
      space: timeSpace,
      key: timeKey,
      value: JSON.stringify(this.#time.mark() satisfies TimeMark),
    };
    const error = await this.#tryCommit([...changes, mark]);
    // Commits that only delete are still taken, and expired answers may be what there is no room for.
    if (error instanceof StoreError && error.kind === "full" && this.#forgotten.size > 0)
      await this.#tryCommit([]);
    if (error === null) return null;
    return error instanceof StoreError ? error.kind : (error.stack ?? error.message);
  }

  async #tryCommit(changes: readonly Change[]): Promise<Error | null> {
    const deleted = [...this.#forgotten.values().take(mostDeletions)];
    for (const key of deleted) this.#forgotten.delete(key);
    const deletions = deleted.map((key): Change => ({ type: "delete", space, key }));
    try {
      await this.#store.commit(this.#lease, [...deletions, ...changes]);
      return null;
    } catch (error) {
      // Keys that have come again meanwhile have another record, made after this.
      for (const key of deleted) if (!this.#held.has(key)) this.#forgotten.add(key);
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Once until it is over: a full disk must not be filled with words about it. */
  #sayMissed(reason: string): void {
    this.#missed += 1;
    if (this.#missed === 1)
      this.#logger.warn(
        "an answer by Idempotency-Key could not be kept: after a restart, its call would be carried out again",
        { reason },
      );
  }

  #sayKept(): void {
    if (this.#missed > 0)
      this.#logger.info("answers by Idempotency-Key are kept again", { notKept: this.#missed });
    this.#missed = 0;
  }
}

function readRecord(value: string): (Omit<KeptAnswer, "key" | "ageMs"> & { claimedAt: number }) | null {
  const parsed = recordSchema.safeParse(json(value));
  if (!parsed.success) return null;
  const { fingerprint, claimedAt, status, headers, body } = parsed.data;
  // A copy: small Buffers are views of a shared block, which would be kept for a day, too.
  const answer = { status, headers, body: new Uint8Array(Buffer.from(body, "base64")) };
  return { fingerprint, claimedAt, answer };
}

function readMark(value: string | null): TimeMark | null {
  const parsed = markSchema.safeParse(value === null ? null : json(value));
  return parsed.success ? parsed.data : null;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
