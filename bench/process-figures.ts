import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Linux counts processor time in hundredths of a second, on every architecture that matters here. */
const ticksPerSecond = 100;

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? Number.NaN) * 1_024;
}

/** Processor time that the process has used, user and system, in seconds. */
export function processorSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Lets garbage collectors come to rest, and gives resident memory then: the least of a few looks. */
export async function settledBytes(pid: number, settleMs: number): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 5; look += 1) {
    await sleep(settleMs / 5);
    least = Math.min(least, residentBytes(pid));
  }
  return least;
}
