import type { Image } from "./image.ts";
import type { Change } from "./store.ts";

/** What makes the records of one image those of another; of logs nothing. */
export function differenceOf(from: Image, to: Image): readonly Change[] {
  const gone = from
    .allRecords()
    .flatMap(([space, records]) =>
      records
        .filter(({ key }) => !to.has(space, key))
        .map(({ key }): Change => ({ type: "delete", space, key })),
    );
  const come = to
    .allRecords()
    .flatMap(([space, records]) =>
      records
        .filter(({ key, value }) => from.get(space, key) !== value)
        .map(({ key, value }): Change => ({ type: "put", space, key, value })),
    );
  return [...gone, ...come];
}
