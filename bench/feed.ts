import type { Child } from "./child.ts";
import type { Reached } from "./progress.ts";
import type { Turn } from "./turns.ts";
import { now } from "./wire.ts";

/** Messages that go to readers, as fast as those take them. */
export interface Feed {
  readonly publish: (count: number) => Promise<unknown>;
  readonly readers: Child;
  /** How many readers get each message. */
  readonly each: number;
  /** Messages that have not come to all, at most. */
  readonly underWay: number;
}

/**
 * Publishes for a time, always some ahead of the readers and never far, so that neither they nor whoever delivers has to
 * wait, and nobody drowns. The count is of what came to all readers, each by itself; what did not, or not in order, is
 * wrong.
 */
export function feeding({ publish, readers, each, underWay }: Feed): (ms: number) => Promise<Turn> {
  const some = Math.ceil(underWay / 4);
  const reached = (count: number) => readers.ask<Reached>({ command: "reached", count });
  return async (ms) => {
    const before = (await reached(0)).count;
    const startedAt = now();
    let published = 0;
    while (now() - startedAt < ms) {
      await publish(some);
      published += some;
      await reached(before + (published - underWay + some) * each);
    }
    const last = await reached(before + published * each);
    const { breaks, equal } = await readers.ask<{ breaks: number; equal: boolean }>({ command: "counts" });
    const whole = last.count === before + published * each && breaks === 0 && equal;
    const wrong = `${last.count - before} of ${published} × ${each} came, ${breaks} not in order, to all the same: ${equal}`;
    return { count: published * each, startedAt, endedAt: last.at, wrong: whole ? null : wrong };
  };
}
