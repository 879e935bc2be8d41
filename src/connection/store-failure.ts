import type { Failure } from "../broker/failure.ts";
import { StoreError } from "../store/store.ts";

/** Why a network connection is dropped whose messages cannot be kept: the broker keeps them, and sends them again. */
export function storeFailure(error: unknown): Failure {
  const full = error instanceof StoreError && error.kind === "full";
  return {
    stage: "connected",
    code: full ? "store-full" : "store-unavailable",
    detail: full
      ? "Messages of the broker cannot be kept: the store has no room"
      : "Messages of the broker cannot be kept: the store cannot be written",
    retryable: true,
    hint: "What was not acknowledged comes again when the store has recovered; see /readyz.",
  };
}

/** Whether a failure is one that ends when the store is well again. */
export function isStoreFailure({ code }: Failure): boolean {
  return code === "store-full" || code === "store-unavailable";
}
