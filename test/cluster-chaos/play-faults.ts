import { setTimeout as passed } from "node:timers/promises";
import type { Random } from "../crash/random.ts";
import { deck, faultsWith } from "./deck.ts";
import { faults, type FaultName, type Scene } from "./faults.ts";

/** Between a fault that is healed and the next one. */
const pauseMs = 3_000;

/** One fault after another, each of them healed before the next, for so long; how often each came. */
export async function playFaults(
  scene: Scene,
  forMs: number,
  random: Random,
  only: string,
): Promise<Readonly<Record<string, number>>> {
  const ends = performance.now() + forMs;
  const fits = (name: FaultName) => performance.now() + faults[name].seconds * 1_000 <= ends;
  const counts: Record<string, number> = {};
  await passed(pauseMs);
  for (const name of deck(random, only)) {
    if (!faultsWith(only).some(fits)) break;
    // One that is short enough may still come.
    if (!fits(name)) continue;
    counts[name] = (counts[name] ?? 0) + 1;
    await faults[name].run(scene);
    await passed(pauseMs + random.below(pauseMs));
  }
  return counts;
}
