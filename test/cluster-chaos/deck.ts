import type { Random } from "../crash/random.ts";
import { faults, type FaultName } from "./faults.ts";

const all = Object.keys(faults) as FaultName[];

/** What even the shortest run has, first. */
const always: readonly FaultName[] = ["kill -9 of a node", "NATS leader killed", "SIGTERM of a node"];

/** Faults in the order that a seed decides: in the first round those that always are, then the others, then all again. */
export function* deck(random: Random): Generator<FaultName, never> {
  yield* shuffled(random, always);
  yield* shuffled(
    random,
    all.filter((name) => !always.includes(name)),
  );
  for (;;) yield* shuffled(random, all);
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  return list
    .map((item) => ({ item, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
