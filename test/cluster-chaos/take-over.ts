import type { ChainWatch } from "./chain-watch.ts";

/** How long it took until others had what a node had. */
export interface TakeOver {
  readonly cause: string;
  readonly node: string;
  /** Of each shard, in seconds, the least first. */
  readonly seconds: readonly number[];
}

const lookEveryMs = 100;
/** Longer than what is waited for in the worst case, which is a node that stands still. */
const withinMs = 60_000;

/** Begins when a node is lost; resolves when all of its shards have begun another term, null where some have not. */
export async function measureTakeOver(
  chain: ChainWatch,
  node: string,
  cause: string,
): Promise<TakeOver | null> {
  const since = Date.now();
  const shards = chain.ownedBy(node);
  const deadline = performance.now() + withinMs;
  for (;;) {
    const at = shards.map(
      (shard) => chain.terms.find((term) => term.shard === shard && term.at > since)?.at ?? null,
    );
    const known = at.filter((each) => each !== null);
    if (known.length === shards.length) {
      const seconds = known.map((each) => (each - since) / 1_000).toSorted((a, b) => a - b);
      return { cause, node, seconds };
    }
    if (performance.now() > deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

export function describeTakeOver({ cause, node, seconds }: TakeOver): string {
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  const worst = seconds.at(-1) ?? 0;
  return `${seconds.length} shards of ${node} taken over after ${cause}: median ${median.toFixed(1)} s, last ${worst.toFixed(1)} s`;
}
