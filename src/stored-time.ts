import { z } from "zod";
import type { Clock } from "./clock.ts";
import { LastingTime, type TimeMark } from "./lasting-time.ts";
import type { Change, Store } from "./store/store.ts";

const space = "time";
const key = "mark";
const markSchema = z.object({ at: z.number(), wall: z.number() });

/** The time that goes on from one process to the next, as far as commits have noted it. */
export class StoredTime {
  readonly #time: LastingTime;

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

  /** Notes the time, along with what is committed anyway. */
  mark(): Change {
    return { type: "put", space, key, value: JSON.stringify(this.#time.mark() satisfies TimeMark) };
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
