import type { Random } from "../crash/random.ts";
import { faults, type FaultName } from "./faults.ts";

const all = Object.keys(faults) as FaultName[];

/** What even the shortest run has, first. */
const always: ReadonlySet<FaultName> = new Set([
  "kill -9 of a node",
  "NATS leader killed",
  "SIGTERM of a node",
]);

/**
 * Faults in the order that a seed decides: in the first round those that always are, then the others, then all again; of
 * those alone whose names have `part` in them.
 */
export function* deck(random: Random, part: string): Generator<FaultName, never> {
  const wanted = faultsWith(part);
  yield* shuffled(
    random,
    wanted.filter((name) => always.has(name)),
  );
  yield* shuffled(
    random,
    wanted.filter((name) => !always.has(name)),
  );
  for (;;) yield* shuffled(random, wanted);
}

/** @throws {TypeError} where there are none */
export function faultsWith(part: string): readonly FaultName[] {
  const found = all.filter((name) => name.includes(part));
  if (found.length === 0) throw new TypeError(`No fault has "${part}" in its name: ${all.join(", ")}`);
  return found;
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  return list
    .map((item) => ({ item, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
