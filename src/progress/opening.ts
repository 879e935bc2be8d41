import type { Opening } from "../store/opening.ts";
import type { ProgressBoard } from "./board.ts";

/** Puts on the board what a store tells of its opening. */
export function reportOpening(board: ProgressBoard, opening: Opening): void {
  switch (opening.step) {
    case "waiting":
      return board.report({ task: "store", why: "in-use" });
    case "checking":
      return board.report({ task: "store", why: "unclean" });
    case "migrating": {
      const { from, to, done, total } = opening;
      return board.report({ task: "migration", from, to, done, total });
    }
    default:
      return opening satisfies never;
  }
}
