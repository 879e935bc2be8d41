import type { NodeFacts } from "./heart.ts";

/**
 * Where a new connection is best placed: on the node that holds the fewest. What nodes say of themselves is up to a second
 * old, so that those which were placed since are counted along.
 */
export class Placement {
  readonly #random: () => number;
  /** By node, what it said and how many have been given to it since. */
  readonly #given = new Map<string, { readonly facts: NodeFacts; count: number }>();

  /** `random` is in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Shards, the best first, of which the first is counted as taken; those that nobody has come last. */
  order(members: readonly NodeFacts[], shards: number): readonly number[] {
    for (const node of this.#given.keys())
      if (!members.some((each) => each.node === node)) this.#given.delete(node);
    for (const facts of members)
      if (this.#given.get(facts.node)?.facts !== facts) this.#given.set(facts.node, { facts, count: 0 });
    const loads = [...this.#given.values()].toSorted((a, b) => loadOf(a) - loadOf(b));
    const order = loads.flatMap(({ facts }) => this.#shuffled(facts.shards));
    const best = loads.find(({ facts }) => facts.shards.length > 0);
    if (best !== undefined) best.count += 1;
    const owned = new Set(order);
    const others = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => !owned.has(shard));
    return [...owned, ...others];
  }

  /** Those of one node are equally good, and are to get as many each. */
  #shuffled(shards: readonly number[]): readonly number[] {
    const from = Math.floor(this.#random() * shards.length);
    return [...shards.slice(from), ...shards.slice(0, from)];
  }
}

function loadOf({ facts, count }: { readonly facts: NodeFacts; readonly count: number }): number {
  return facts.connections + count;
}
