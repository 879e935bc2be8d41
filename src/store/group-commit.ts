import type { Commit, CommitResult } from "./sqlite-engine.ts";
import { StoreError, type Change, type Position } from "./store.ts";

interface Waiting {
  readonly commit: Commit;
  readonly length: number;
  readonly resolve: (positions: readonly Position[]) => void;
  readonly reject: (error: StoreError) => void;
}

/** What shares one transaction at most. */
const groupChanges = 1_000;
const groupLength = 4_194_304;
/** What may wait at most, in characters: more is refused, for the disk does not keep up. */
const waitingLength = 134_217_728;

/**
 * Puts commits together: one group is under way, and what comes meanwhile is the next. With little to do a commit goes
 * out at once when the turn of the event loop is over; with much, each group is as large as what one fsync takes.
 */
export class GroupCommit {
  readonly #send: (group: readonly Commit[]) => void;
  #waiting: Waiting[] = [];
  #length = 0;
  #underWay: readonly Waiting[] | null = null;
  #scheduled = false;
  /** Why nothing is taken until it is known what became of the group that is under way. */
  #refusal: string | null = null;
  #idle: (() => void)[] = [];

  /** `send` hands a group on; {@link done} is to be called with what became of it. */
  constructor(send: (group: readonly Commit[]) => void) {
    this.#send = send;
  }

  add(commit: Commit): Promise<readonly Position[]> {
    if (this.#refusal !== null) return Promise.reject(new StoreError("unavailable", this.#refusal));
    const length = commit.changes.reduce((sum, change) => sum + lengthOf(change), 0);
    if (this.#length + length > waitingLength && this.#waiting.length > 0)
      return Promise.reject(new StoreError("unavailable", "More waits for the disk than may"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, length, resolve, reject });
      this.#length += length;
      if (this.#underWay !== null || this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#next();
      });
    });
  }

  /** Tells each of the group what became of it, in order, and sends the next one. */
  done(results: readonly CommitResult[]): void {
    const group = this.#underWay ?? [];
    this.#underWay = null;
    this.#refusal = null;
    for (const [index, { resolve, reject }] of group.entries()) {
      const result = results[index];
      if (result?.ok === true) resolve(result.positions);
      else reject(new StoreError(result?.kind ?? "unknown", result?.message ?? "The store has not answered"));
    }
    this.#next();
  }

  /** What became of the group that is under way will be known later, however late: the others do not wait for that. */
  refuse(detail: string): void {
    this.#refusal = detail;
    this.#giveUpWaiting(detail);
  }

  /** Nothing more will come of anything. */
  fail(detail: string): void {
    for (const { reject } of this.#underWay ?? []) reject(new StoreError("unknown", detail));
    this.#giveUpWaiting(detail);
    this.#underWay = null;
    this.#next();
  }

  /** Resolves when nothing is under way or waiting. */
  idle(): Promise<void> {
    if (this.#underWay === null && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #giveUpWaiting(detail: string): void {
    for (const { reject } of this.#waiting) reject(new StoreError("unavailable", detail));
    this.#waiting = [];
    this.#length = 0;
  }

  #next(): void {
    if (this.#underWay !== null) return;
    if (this.#waiting.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    let changes = 0;
    let length = 0;
    const end = this.#waiting.findIndex((each, index) => {
      changes += each.commit.changes.length;
      length += each.length;
      return index > 0 && (changes > groupChanges || length > groupLength);
    });
    const group = end === -1 ? this.#waiting : this.#waiting.slice(0, end);
    this.#waiting = end === -1 ? [] : this.#waiting.slice(end);
    for (const each of group) this.#length -= each.length;
    this.#underWay = group;
    this.#send(group.map(({ commit }) => commit));
  }
}

function lengthOf(change: Change): number {
  if (change.type === "put") return change.value.length + 64;
  return change.type === "append" ? change.data.length * change.logs.length + 64 : 64;
}
