import { jointGap } from "./front-heads.ts";
import type { Starts } from "./front-starts.ts";
import { Vector } from "./front-vector.ts";

interface Item {
  readonly id: string;
  readonly at: string;
}

/** What a cell answers: events in its order. */
export interface CellHistory {
  readonly items: readonly Item[];
  /** Its own id of how far it has looked. */
  readonly next: string;
  readonly gap?: Readonly<Record<string, unknown>>;
}
