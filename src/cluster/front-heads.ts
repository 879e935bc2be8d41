import { ownerLost } from "./front-answer.ts";
import { dataOf, type Frame } from "./front-frames.ts";
import type { Part } from "./front-part.ts";
import type { Vector } from "./front-vector.ts";

type Data = Readonly<Record<string, unknown>>;

/** How a cell's stream begins. */
export interface Head {
  readonly gap: Data | null;
  readonly snapshot: Data;
  /** What came along with it. */
  readonly rest: readonly Frame[];
}

/** Reads until the snapshot, which every stream begins with. @throws {Problem} `no-owner` where it ends before */
export async function headOf(part: Part): Promise<Head> {
  let gap: Data | null = null;
  for (;;) {
    const frames = await part.next();
    if (frames === null) throw ownerLost("while the stream was opened");
    for (const [i, frame] of frames.entries()) {
      if (frame.kind !== "control") continue;
      if (frame.type === "gap") gap = dataOf(frame);
      if (frame.type === "snapshot") return { gap, snapshot: dataOf(frame), rest: frames.slice(i + 1) };
    }
  }
}

/** All connections, and how many are in which state. */
export function jointSnapshot(heads: readonly Head[], at: string): Data {
  let total = 0;
  const states: Record<string, number> = {};
  for (const { snapshot } of heads) {
    total += Number(snapshot["total"]);
    for (const [state, count] of Object.entries(snapshot["states"] as Record<string, number>))
      states[state] = (states[state] ?? 0) + count;
  }
  return { at, total, states };
}

/** One gap, where the cells have any: with the reason of the first, and the oldest events of those that have one. */
export function jointGap(
  heads: readonly { readonly gap?: Data | null | undefined }[],
  vector: Vector,
  requested: string,
): Data | null {
  let [reason, hasOldest]: [unknown, boolean] = [null, false];
  let oldest = vector;
  for (const [cell, { gap }] of heads.entries()) {
    if (gap === null || gap === undefined) continue;
    reason ??= gap["reason"];
    const own = gap["oldest"];
    if (typeof own !== "string") continue;
    hasOldest = true;
    oldest = oldest.with(cell, own);
  }
  return reason === null ? null : { requested, oldest: hasOldest ? oldest.text() : null, reason };
}
