import type { Change, Lease, Position, Store } from "../../src/store/store.ts";
import { ControlledStore } from "./controlled-store.ts";

/** A controlled store that counts as one that survives, and of which single commits can be held up. */
export class DurableStore extends ControlledStore {
  #held: {
    readonly which: (changes: readonly Change[]) => boolean;
    readonly reached: () => void;
    readonly until: Promise<void>;
  } | null = null;

  /** Holds up those commits alone of which `which` is true, until `letGo` is called; `reached` is the first of them. */
  holdThose(which: (changes: readonly Change[]) => boolean): { reached: Promise<void>; letGo: () => void } {
    const first = Promise.withResolvers<void>();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = { which, reached: first.resolve, until: promise };
    const letGo = () => {
      this.#held = null;
      resolve();
    };
    return { reached: first.promise, letGo };
  }

  override async commit(lease: Lease, changes: readonly Change[]): Promise<readonly Position[]> {
    const held = this.#held;
    if (held?.which(changes) === true) {
      held.reached();
      await held.until;
    }
    return super.commit(lease, changes);
  }
}

export function durableStore(): DurableStore & Store {
  return Object.assign(new DurableStore("e"), { survives: "power" }) as unknown as DurableStore & Store;
}

/** Whether a commit writes a record of this space. */
export const puts =
  (space: string) =>
  (changes: readonly Change[]): boolean =>
    changes.some((change) => change.type === "put" && change.space === space);

/** Whether a commit removes something of this space. */
export const removes =
  (space: string) =>
  (changes: readonly Change[]): boolean =>
    changes.some((change) => (change.type === "delete" || change.type === "clear") && change.space === space);

/** Whether a commit writes events. */
export const tells = (changes: readonly Change[]): boolean =>
  changes.some((change) => change.type === "append" && change.logs.includes("events"));
