import { z } from "zod";
import type { Clock } from "./clock.ts";
import { LastingTime, type TimeMark } from "./lasting-time.ts";
import type { Change, Store } from "./store/store.ts";

const space = "time";
const key = "mark";
const markSchema = z.object({ at: z.number(), wall: z.number() });

/** Noted so often at most: what passes after the last note is counted by the wall clock. */
const noteEveryMs = 10_000;
/** A wall clock that has moved by so much more or less than the time did was set, which is noted at once. */
const setMs = 1_000;

/** The time that goes on from one process to the next, as far as commits have noted it. */
export class StoredTime {
  readonly #time: LastingTime;
  #noted: TimeMark | null = null;

  private constructor(time: LastingTime) {
    this.#time = time;
  }

  /** @throws {StoreError} */
  static async read(store: Store, clock: Clock): Promise<StoredTime> {
    return new StoredTime(new LastingTime(readMark(await store.get(space, key)), clock));
  }

  now(): number {
    return this.#time.now();
  }

  /**
   * What notes the time, along with what is committed anyway; nothing where it was noted a moment ago. A commit that
   * fails takes its note with it, and the next one comes when it would have come.
   */
  note(): Change[] {
    return this.#noted !== null && !isDue(this.#noted, this.#time.mark()) ? [] : this.noteNow();
  }

  /** The same in any case: for the last commit, so that the next process goes on from where this one ends. */
  noteNow(): Change[] {
    const mark = this.#time.mark();
    this.#noted = mark;
    return [{ type: "put", space, key, value: JSON.stringify(mark) }];
  }
}

function isDue(noted: TimeMark, { at, wall }: TimeMark): boolean {
  const passed = at - noted.at;
  return passed >= noteEveryMs || Math.abs(wall - noted.wall - passed) >= setMs;
}

function readMark(value: string | null): TimeMark | null {
  try {
    const parsed = markSchema.safeParse(value === null ? null : JSON.parse(value));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
