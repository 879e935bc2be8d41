import { shardsOfConnections } from "./front-shard.ts";
import type { NodeFacts } from "./heart.ts";

interface Given {
  readonly facts: NodeFacts;
  count: number;
}

/**
 * Where a new connection is best placed: on the node that holds the fewest. What nodes say of themselves is up to a second
 * old, so that those which were placed since are counted along.
 */
export class Placement {
  readonly #random: () => number;
  /** By node, what it said and how many have been given to it since. */
  readonly #given = new Map<string, Given>();

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
    const places = new Set(shardsOfConnections(shards));
    const placesOf = ({ facts }: Given) => facts.shards.filter((shard) => places.has(shard));
    const order = loads.flatMap((each) => this.#shuffled(placesOf(each)));
    const best = loads.find((each) => placesOf(each).length > 0);
    if (best !== undefined) best.count += 1;
    const owned = new Set(order);
    return [...owned, ...[...places].filter((shard) => !owned.has(shard))];
  }

  /** Those of one node are equally good, and are to get as many each. */
  #shuffled(shards: readonly number[]): readonly number[] {
    const from = Math.floor(this.#random() * shards.length);
    return [...shards.slice(from), ...shards.slice(0, from)];
  }
}

function loadOf({ facts, count }: Given): number {
  return facts.connections + count;
}
