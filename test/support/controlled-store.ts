import { MemoryStore } from "../../src/store/memory.ts";
import {
  StoreError,
  type Change,
  type Lease,
  type Position,
  type StoreFailure,
} from "../../src/store/store.ts";

/** A store in memory whose commits can be watched, held up and refused. */
export class ControlledStore extends MemoryStore {
  /** All that were tried. */
  readonly commits: (readonly Change[])[] = [];
  /** How commits fail. `full` lets those through that only delete. */
  refusal: StoreFailure | "defect" | null = null;
  #gate: Promise<void> = Promise.resolve();

  /** Holds commits up, in their order, until what it returns is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  override async commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    this.commits.push(changes);
    const { refusal } = this;
    await this.#gate;
    if (refusal === "defect") throw new TypeError("a defect");
    const taken = refusal === "full" && changes.every(({ type }) => type === "delete");
    if (refusal !== null && !taken) throw new StoreError(refusal, "refused");
    return super.commit(lease, changes);
  }

  async keys(space: string): Promise<string[]> {
    return (await this.records(space, null, 100_000)).map(({ key }) => key);
  }
}
