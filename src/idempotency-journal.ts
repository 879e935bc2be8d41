import { plainRecord, readRecord, sealedRecord, type KeptAnswer } from "./idempotency-record.ts";
import type { Logger } from "./log.ts";
import { Problem } from "./problem.ts";
import type { Sealer } from "./sealing.ts";
import { StoreError, type Change, type Lease, type Store } from "./store/store.ts";
import type { StoredTime } from "./stored-time.ts";

export interface IdempotencyJournalDeps {
  readonly store: Store;
  readonly lease: Lease;
  readonly sealer: Sealer;
  readonly time: StoredTime;
}

const space = "idempotency";
const pageSize = 100;
/** Deletions that go along with one commit. */
const mostDeletions = 1_000;

/**
 * Answers by Idempotency-Key, in a store. A call is kept when it has ended: one that was running when the process died is
 * free to come again, for nobody was answered. What may hold a secret is kept sealed, and without a key to seal it with not
 * at all: a crash then only means that the call can be made again.
 */
export class IdempotencyJournal {
  readonly #store: Store;
  readonly #lease: Lease;
  readonly #sealer: Sealer;
  readonly #time: StoredTime;
  readonly #logger: Logger;
  /** Keys under which there may be a record, and should be. */
  readonly #held = new Set<string>();
  /** Keys under which there may be a record, and should not; deleted along with what is written next. */
  readonly #forgotten = new Set<string>();
  /** What is being sealed, by its key: meanwhile it may be forgotten, and the key come again. */
  readonly #sealing = new Map<string, KeptAnswer>();
  /** What was restored, and is to be sealed with the present key. */
  #stale: KeptAnswer[] = [];
  /** Answers that were not kept since one was. */
  #missed = 0;

  constructor({ store, lease, sealer, time }: IdempotencyJournalDeps, logger: Logger) {
    this.#store = store;
    this.#lease = lease;
    this.#sealer = sealer;
    this.#time = time;
    this.#logger = logger;
  }

  /**
   * What the processes before have kept, the oldest first. To be called once, before anything is kept. Changes nothing in the
   * store: what cannot be read or opened goes with the first {@link flush}, of which there is none when the start is refused.
   *
   * @throws {StoreError}
   */
  async restore(): Promise<readonly KeptAnswer[]> {
    const now = this.#time.now();
    const kept: KeptAnswer[] = [];
    const lost = { unreadable: 0, unopened: 0 };
    for (let after: string | null = null; ;) {
      const page = await this.#store.records(space, after, pageSize);
      for (const { key, value } of page) {
        const record = await readRecord(key, value, this.#sealer);
        if (typeof record === "string") {
          lost[record] += 1;
          this.#forgotten.add(key);
        } else {
          const { claimedAt, isStale, ...rest } = record;
          const one = { ...rest, ageMs: Math.max(now - claimedAt, 0) };
          this.#held.add(key);
          kept.push(one);
          if (isStale) this.#stale.push(one);
        }
        after = key;
      }
      if (page.length < pageSize) break;
    }
    // A key that was taken away is no reason not to start: all that is lost is that these calls can be made again.
    if (lost.unreadable + lost.unopened > 0)
      this.#logger.warn(
        "answers by Idempotency-Key cannot be read, or not be opened with the present keys, and are deleted",
        lost,
      );
    return kept.toSorted((a, b) => b.ageMs - a.ageMs);
  }

  /**
   * Keeps an answer, and resolves when it is kept. Never rejects: what was done is done, and who asked for it has to be
   * told. Without its answer he would ask again, which is what the key was to make harmless. So all that is lost when the
   * store refuses is that after a restart the key is free; the log says so.
   */
  async keep(kept: KeptAnswer): Promise<void> {
    const { key, form, ageMs } = kept;
    const claimedAt = this.#time.now() - ageMs;
    const value = form === "plain" ? plainRecord(kept, claimedAt) : await this.#seal(kept, claimedAt);
    if (value === null) return;
    this.#held.add(key);
    this.#forgotten.delete(key);
    const failure = await this.#commit([{ type: "put", space, key, value }, ...this.#time.note()]);
    if (failure === null) this.#sayKept();
    else this.#sayMissed(failure);
  }

  /** Deletes what was kept under a key, some time later. */
  forget(key: string): void {
    this.#sealing.delete(key);
    if (this.#held.delete(key)) this.#forgotten.add(key);
  }

  /** Writes now what is to be written, and notes the time; at the start, and before the end. Never rejects. */
  async flush(): Promise<void> {
    await this.#sealAnew();
    do {
      const failure = await this.#commit(this.#time.noteNow());
      if (failure === null) continue;
      this.#logger.warn("forgotten answers by Idempotency-Key cannot be deleted", { reason: failure });
      return;
    } while (this.#forgotten.size > 0);
  }

  /** The record; null where there is to be none. */
  async #seal(kept: KeptAnswer, claimedAt: number): Promise<string | null> {
    const { key } = kept;
    this.#sealing.set(key, kept);
    try {
      const value = await sealedRecord(kept, claimedAt, this.#sealer);
      return this.#sealing.get(key) === kept ? value : null;
    } catch (error) {
      const isExpected = error instanceof Problem && error.code === "secret-key-missing";
      if (!isExpected) this.#sayMissed(String(error));
      return null;
    } finally {
      if (this.#sealing.get(key) === kept) this.#sealing.delete(key);
    }
  }

  /** So that the key that it was sealed with can be taken away. */
  async #sealAnew(): Promise<void> {
    while (this.#stale.length > 0) {
      const some = this.#stale.splice(0, pageSize).filter(({ key }) => this.#held.has(key));
      await Promise.all(some.map((kept) => this.keep(kept)));
    }
  }

  /** Makes these changes, and some deletions; resolves with why it was not possible. */
  async #commit(changes: readonly Change[]): Promise<string | null> {
    const error = await this.#tryCommit(changes);
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
