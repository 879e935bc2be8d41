import { StoreError } from "./store.ts";

/** A disk that fails may let go of what it was given much later, or never. */
const patienceMs = 10_000;

/**
 * What the store says, or, where it does not say it in time, that this is not known: nobody who calls waits for a disk.
 * What was begun goes on.
 *
 * @throws {StoreError} `unknown`, and what `kept` is rejected with
 */
export function answered<T>(kept: Promise<T>, ms = patienceMs): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new StoreError("unknown", `The store has not answered within ${ms} ms`));
    const timer = setTimeout(late, ms);
    const end = () => clearTimeout(timer);
    kept.then(resolve, reject).finally(end);
  });
}
