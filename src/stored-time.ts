import { z } from "zod";
import type { Clock } from "./clock.ts";
import { LastingTime, type TimeMark } from "./lasting-time.ts";
import type { Change, Store } from "./store/store.ts";

const space = "time";
const key = "mark";
const markSchema = z.object({ at: z.number(), wall: z.number() });

/** Noted so often at most: what passes after the last note is counted by the wall clock. */
const noteEveryMs = 10_000;

/** The time that goes on from one process to the next, as far as commits have noted it. */
export class StoredTime {
  readonly #time: LastingTime;
  #notedAt = -Infinity;

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

  /** What notes the time, along with what is committed anyway; nothing where it was noted a moment ago. */
  note(): Change[] {
    const now = this.now();
    if (now - this.#notedAt < noteEveryMs) return [];
    this.#notedAt = now;
    return [{ type: "put", space, key, value: JSON.stringify(this.#time.mark() satisfies TimeMark) }];
  }
}

function readMark(value: string | null): TimeMark | null {
  try {
    const parsed = markSchema.safeParse(value === null ? null : JSON.parse(value));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
