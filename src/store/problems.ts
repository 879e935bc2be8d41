import { Problem } from "../problem.ts";
import type { StoreError } from "./store.ts";

/** What a caller is told when the store has not done what the call needs. */
export function storeProblem({ kind, message }: StoreError): Problem {
  if (kind === "full")
    return new Problem("store-full", {
      detail: `${message}: nothing more can be kept`,
      retryAfterSeconds: 60,
    });
  return new Problem("store-unavailable", {
    detail: kind === "unknown" ? `${message}: whether it was kept is not known` : message,
    retryAfterSeconds: 5,
    ...(kind === "unknown" ? { duplicatePossible: true } : {}),
  });
}
