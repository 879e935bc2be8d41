import type { Change, Store } from "./store.ts";

/**
 * A live copy of what a store has that others own. It is never ahead of what is kept, and goes through the same states in
 * the same order; how far behind it is, `caughtUp` and `behindMs` tell.
 */
export interface Following extends Pick<Store, "records" | "spaces" | "get" | "entries" | "logs"> {
  /** So long ago, in milliseconds, it was last certain that this copy had all that there was. */
  readonly behindMs: number;
  /** Whether that is less than what goes by between two comparisons. */
  readonly isFresh: boolean;
  /**
   * Calls `listener` with what has changed, after each record that was applied, until the returned function is called. Where
   * records have gone before they were seen, it is what has come and gone of keys in between, and nothing of logs.
   */
  onChange(listener: (changes: readonly Change[]) => void): () => void;
  /**
   * Resolves when this copy has all that there was when it was called.
   *
   * @throws {StoreError} `unavailable`
   */
  caughtUp(signal?: AbortSignal): Promise<void>;
}
