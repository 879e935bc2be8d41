import { Listeners } from "../../src/listeners.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import {
  StoreError,
  type Change,
  type Lease,
  type Position,
  type Store,
  type StoreFailure,
  type StoreHealth,
} from "../../src/store/store.ts";

type Gate = "before" | "after";

/** Whether a commit is meant. */
export type Which = (changes: readonly Change[]) => boolean;

/** A commit that is held up. */
export interface HeldCommit {
  readonly changes: readonly Change[];
  release(): void;
  /** It is not applied, if it is held `before` that. */
  fail(kind: StoreFailure): void;
}

interface Rule {
  readonly gate: Gate;
  readonly which: Which;
  readonly held: (commit: HeldCommit) => void;
}

const all: Which = () => true;

/**
 * A store whose disk a test plays: commits are held up, refused, or lost in a crash. What it has kept is in `disk`, on
 * which another one goes on.
 */
export class RiggedStore implements Store {
  readonly survives = "power";
  readonly disk: MemoryStore;
  /** Spaces in which something has been put, by anybody on this disk. */
  readonly seenSpaces: Set<string>;
  readonly #watchers = new Listeners();
  readonly #crashed = Promise.withResolvers<never>();
  #rules: Rule[] = [];
  #refusal: Exclude<StoreFailure, "fenced"> | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #dead = false;

  /** Goes on with what another one has left, or begins with nothing. */
  constructor(before?: RiggedStore) {
    this.disk = before?.disk ?? new MemoryStore("disk");
    this.seenSpaces = before?.seenSpaces ?? new Set();
    this.#crashed.promise.catch(() => {});
  }

  get epoch(): string {
    return this.disk.epoch;
  }

  get health(): StoreHealth {
    if (this.#refusal === null) return { state: "open" };
    return { state: this.#refusal === "full" ? "full" : "away", detail: "The test has it so" };
  }

  onHealth(listener: () => void): () => void {
    return this.#watchers.add(listener);
  }

  acquire = () => this.disk.acquire();
  spaces: Store["spaces"] = (...args) => this.disk.spaces(...args);
  count: Store["count"] = (...args) => this.disk.count(...args);
  records: Store["records"] = (...args) => this.disk.records(...args);
  get: Store["get"] = (...args) => this.disk.get(...args);
  entries: Store["entries"] = (...args) => this.disk.entries(...args);
  logs: Store["logs"] = (...args) => this.disk.logs(...args);

  /** Refuses what is committed from now on, and says so; with null it is well again. `full` takes what only frees. */
  refuse(refusal: Exclude<StoreFailure, "fenced"> | null): void {
    this.#refusal = refusal;
    this.#watchers.call();
  }

  /** The next such commit, held up `before` it is applied, or `after`, before anybody is told. Later ones queue behind it. */
  hold(gate: Gate, which: Which = all): Promise<HeldCommit> {
    const { promise, resolve } = Promise.withResolvers<HeldCommit>();
    this.#rules.push({ gate, which, held: resolve });
    return promise;
  }

  /** Nothing is kept any more, and nobody told of anything that was. */
  crash(): void {
    this.#dead = true;
    this.#crashed.reject(new StoreError("unknown", "The process has crashed"));
  }

  commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    const frees = changes.every(({ type }) => ["delete", "clear", "trim", "drop"].includes(type));
    const refusal = this.#refusal === "full" && frees ? null : this.#refusal;
    if (refusal !== null) return Promise.reject(new StoreError(refusal, "The test refuses"));
    const done = this.#last.then(async () => {
      await this.#pass("before", changes);
      if (this.#dead) throw new StoreError("unknown", "The process has crashed");
      for (const change of changes) if (change.type === "put") this.seenSpaces.add(change.space);
      const positions = await this.disk.commit(lease, changes);
      await this.#pass("after", changes);
      return positions;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  async #pass(gate: Gate, changes: readonly Change[]): Promise<void> {
    const rule = this.#rules.find((each) => each.gate === gate && each.which(changes));
    if (rule === undefined) return;
    this.#rules = this.#rules.filter((each) => each !== rule);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (kind: StoreFailure) => reject(new StoreError(kind, "The test refuses"));
    rule.held({ changes, release: resolve, fail });
    await Promise.race([promise, this.#crashed.promise]);
  }

  /** The disk stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#watchers.call();
  }
}
