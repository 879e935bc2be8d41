import type { GroupText } from "./group-text.ts";
import type { Opening } from "./opening.ts";
import type { CommitResult } from "./commit.ts";
import type { Position, StoreError, StoreHealth } from "./store.ts";

/** A read that runs in the store's thread: one of the methods of `Statements`, with its arguments. */
export type Read =
  | {
      readonly method: "records";
      readonly args: readonly [space: string, after: string | null, limit: number];
    }
  | { readonly method: "count"; readonly args: readonly [space: string] }
  | { readonly method: "spaces"; readonly args: readonly [prefix: string] }
  | { readonly method: "get"; readonly args: readonly [space: string, key: string] }
  | { readonly method: "entries"; readonly args: readonly [log: string, after: Position, limit: number] }
  | { readonly method: "logs"; readonly args: readonly [prefix: string] };

export type ToEngine =
  | ({ readonly type: "commit" } & GroupText)
  | { readonly type: "read"; readonly number: number; readonly read: Read }
  | { readonly type: "acquire"; readonly number: number }
  | { readonly type: "recover" }
  | { readonly type: "close" };

export type FromEngine =
  /** What takes long, any number of times before one of the two that follow. */
  | { readonly type: "opening"; readonly opening: Opening }
  | { readonly type: "opened"; readonly epoch: string; readonly health: StoreHealth }
  /** The file cannot be used, and the thread ends. */
  | { readonly type: "refused"; readonly message: string; readonly inUse: boolean }
  /** `results` are those of the so many groups that were committed; null: they will follow with `recovered`. */
  | {
      readonly type: "committed";
      readonly results: readonly CommitResult[] | null;
      readonly groups: number;
      readonly health: StoreHealth;
    }
  /** `results` are those that had to follow; null while there are none. */
  | {
      readonly type: "recovered";
      readonly results: readonly CommitResult[] | null;
      readonly health: StoreHealth;
    }
  | { readonly type: "answer"; readonly number: number; readonly value: unknown }
  | {
      readonly type: "error";
      readonly number: number;
      readonly kind: StoreError["kind"];
      readonly message: string;
      readonly firstPosition: Position | null;
    }
  | { readonly type: "closed" };
