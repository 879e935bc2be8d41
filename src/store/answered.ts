import { StoreError } from "./store.ts";

/** A disk that fails may let go of what it was given much later, or never. */
const patienceMs = 10_000;

/**
 * What the store says, or, where it does not say it in time, that this is not known: nobody who calls waits for a disk.
 * What was begun goes on.
 *
 * @throws {StoreError} `unknown`, and what `kept` is rejected with
 */
export async function answered<T>(kept: Promise<T>, ms = patienceMs): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreError("unknown", `The store has not answered within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([kept, late]);
  } finally {
    clearTimeout(timer);
  }
}
