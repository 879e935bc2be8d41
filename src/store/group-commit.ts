import type { Histogram } from "../histogram.ts";
import type { Commit, CommitResult } from "./commit.ts";
import { StoreError, type Change, type Position } from "./store.ts";

interface Waiting {
  readonly commit: Commit;
  readonly length: number;
  readonly resolve: (positions: readonly Position[]) => void;
  readonly reject: (error: StoreError) => void;
}

interface Group {
  readonly waiting: readonly Waiting[];
  readonly sentAt: number;
}

/** What is handed on at once at most. */
const groupChanges = 1_000;
const groupLength = 4_194_304;
/** Groups that may be under way. Whoever gets them keeps those that have come while it was busy all together. */
const groupsUnderWay = 4;
/** What may wait at most, in characters: more is refused, for the disk does not keep up. */
const waitingLength = 134_217_728;

/**
 * Puts commits together: those of one turn of the event loop are a group, which is handed on when the turn is over. A few
 * groups may be under way, so that the disk need not wait for this thread between two; what comes meanwhile is the next.
 */
export class GroupCommit {
  readonly #send: (group: readonly Commit[]) => void;
  #waiting: Waiting[] = [];
  #length = 0;
  /** In the order in which they were handed on. */
  readonly #underWay: Group[] = [];
  readonly #seconds: Histogram | null;
  readonly #mostUnderWay: number;
  #scheduled = false;
  /** What became of these is not known yet. */
  #undecided: readonly Waiting[] = [];
  /** Why nothing is taken until it is. */
  #refusal: string | null = null;
  #idle: (() => void)[] = [];

  /**
   * `send` hands a group on; {@link done} is to be called with what became of it, and of others with it or later. `seconds`
   * hears how long that took. So many groups may be under way.
   */
  constructor(
    send: (group: readonly Commit[]) => void,
    seconds: Histogram | null = null,
    mostUnderWay = groupsUnderWay,
  ) {
    this.#send = send;
    this.#seconds = seconds;
    this.#mostUnderWay = mostUnderWay;
  }

  add(commit: Commit): Promise<readonly Position[]> {
    if (this.#refusal !== null) return Promise.reject(new StoreError("unavailable", this.#refusal));
    const length = commit.changes.reduce((sum, change) => sum + lengthOf(change), 0);
    if (this.#length + length > waitingLength && this.#waiting.length > 0)
      return Promise.reject(new StoreError("unavailable", "More waits for the disk than may"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, length, resolve, reject });
      this.#length += length;
      if (this.#underWay.length >= this.#mostUnderWay || this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#next();
      });
    });
  }

  /** Tells each commit of the first groups under way what became of it, in order, and sends the next group. */
  done(results: readonly CommitResult[]): void {
    for (let told = 0; told < results.length;) {
      const group = this.#underWay.shift();
      if (group === undefined) break;
      this.#seconds?.observe((performance.now() - group.sentAt) / 1_000);
      tell(group.waiting, results.slice(told, told + group.waiting.length));
      told += group.waiting.length;
    }
    this.#next();
  }

  /**
   * What became of the first so many groups under way will be known later, however late, and {@link decided} tells. The
   * others do not wait for that: those under way are answered by {@link done}, and further ones are not taken.
   */
  refuse(groups: number, detail: string): void {
    this.#undecided = this.#underWay.splice(0, groups).flatMap(({ waiting }) => waiting);
    this.#refusal = detail;
    this.#giveUpWaiting(detail);
  }

  /** It is known now. */
  decided(results: readonly CommitResult[]): void {
    this.#refusal = null;
    tell(this.#undecided, results);
    this.#undecided = [];
    this.#next();
  }

  /** Nothing more will come of anything. */
  fail(detail: string): void {
    for (const { reject } of [
      ...this.#undecided,
      ...this.#underWay.splice(0).flatMap(({ waiting }) => waiting),
    ])
      reject(new StoreError("unknown", detail));
    this.#undecided = [];
    this.#giveUpWaiting(detail);
    this.#next();
  }

  /** Resolves when nothing is under way or waiting. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get #isIdle(): boolean {
    return this.#underWay.length === 0 && this.#waiting.length === 0 && this.#undecided.length === 0;
  }

  #giveUpWaiting(detail: string): void {
    for (const { reject } of this.#waiting) reject(new StoreError("unavailable", detail));
    this.#waiting = [];
    this.#length = 0;
  }

  #next(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
    while (this.#waiting.length > 0 && this.#underWay.length < this.#mostUnderWay) this.#sendGroup();
  }

  #sendGroup(): void {
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
    this.#underWay.push({ waiting: group, sentAt: performance.now() });
    this.#send(group.map(({ commit }) => commit));
  }
}

function tell(group: readonly Waiting[], results: readonly CommitResult[]): void {
  for (const [index, { resolve, reject }] of group.entries()) {
    const result = results[index];
    if (result?.ok === true) resolve(result.positions);
    else reject(new StoreError(result?.kind ?? "unknown", result?.message ?? "The store has not answered"));
  }
}

function lengthOf(change: Change): number {
  if (change.type === "put") return change.value.length + 64;
  return change.type === "append" ? change.data.length * change.logs.length + 64 : 64;
}
