import type { Child } from "./child.ts";
import { processorSeconds } from "./process-figures.ts";
import type { Reached } from "./progress.ts";
import { median } from "./statistics.ts";

/** What a generator of load says of one turn; times in epoch milliseconds. */
export interface Turn {
  readonly count: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The first answer that was not a success. */
  readonly wrong: string | null;
}

/** Someone who is measured, turn by turn with others. */
export class Contestant {
  readonly name: string;
  readonly pids: Readonly<Record<string, number>>;
  readonly run: (ms: number) => Promise<Turn>;
  /** Who counts what arrives; null where nothing is published. */
  readonly counter: Child | null;
  /** In a second, of each turn. */
  readonly rates: number[] = [];
  /** Microseconds of processor time for each of the count, by process, of each turn. */
  readonly costs: Readonly<Record<string, number[]>>;
  /** Parts of a core, by process, of each turn. */
  readonly shares: Readonly<Record<string, number[]>>;
  lost = 0;

  /** `pids` of the processes that take part, by a name. */
  constructor(
    name: string,
    pids: Readonly<Record<string, number>>,
    counter: Child | null,
    run: (ms: number) => Promise<Turn>,
  ) {
    this.name = name;
    this.pids = pids;
    this.counter = counter;
    this.run = run;
    this.costs = Object.fromEntries(Object.keys(pids).map((process) => [process, []]));
    this.shares = Object.fromEntries(Object.keys(pids).map((process) => [process, []]));
  }

  /** The rate of a turn is to the last answer and the last arrival, whichever is later. */
  async turn(ms: number, counts: boolean): Promise<void> {
    const arrived = async (count: number) =>
      this.counter === null ? null : this.counter.ask<Reached>({ command: "reached", count });
    const before = (await arrived(0))?.count ?? 0;
    const used = this.#processor();
    const { count, startedAt, endedAt, wrong } = await this.run(ms);
    if (wrong !== null) throw new Error(`${this.name}: ${wrong}`);
    const last = await arrived(before + count);
    if (last !== null) this.lost += before + count - last.count;
    if (!counts) return;
    const seconds = (Math.max(endedAt, last?.at ?? 0) - startedAt) / 1_000;
    this.rates.push(count / seconds);
    for (const [process, now] of Object.entries(this.#processor())) {
      const taken = now - (used[process] ?? 0);
      this.costs[process]?.push((taken / count) * 1_000_000);
      this.shares[process]?.push(taken / seconds);
    }
  }

  #processor(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.pids).map(([process, pid]) => [process, processorSeconds(pid)]),
    );
  }
}

export interface TurnSizes {
  readonly rounds: number;
  readonly seconds: number;
  /** Seconds of each before: compilers take their time, and longer with more code. */
  readonly warmUp: number;
}

/** Everyone's turn in each round, after a longer one that does not count. */
export async function takeTurns(
  all: readonly Contestant[],
  { rounds, seconds, warmUp }: TurnSizes,
): Promise<void> {
  for (const contestant of all) await contestant.turn(warmUp * 1_000, false);
  for (let round = 0; round < rounds; round += 1)
    for (const contestant of all) await contestant.turn(seconds * 1_000, true);
}

/** The median of the ratios of each round: who else is busy is so to both. */
export function ratio(ours: Contestant, base: Contestant): number {
  return median(ours.rates.map((rate, round) => rate / (base.rates[round] ?? Number.NaN)));
}
