import type { Change, Position, StoreFailure } from "./store.ts";

/** One caller's commit. */
export interface Commit {
  readonly token: string;
  readonly changes: readonly Change[];
}

/** What became of it. */
export type CommitResult =
  | { readonly ok: true; readonly positions: readonly Position[] }
  | { readonly ok: false; readonly kind: StoreFailure; readonly message: string };

/** Whether it makes room and needs none: then it may be kept in a store that is full. */
export function onlyFrees({ changes }: Commit): boolean {
  return changes.every(
    ({ type }) => type === "delete" || type === "clear" || type === "trim" || type === "drop",
  );
}
