/** A node that may hold shards. */
export interface Candidate {
  /** Of this process alone. */
  readonly node: string;
  /** What stays when the process is started again, so that the node gets the same shards. */
  readonly name: string;
  /** Shards that it could not open, for want of a key that another one may have. */
  readonly declined?: readonly number[];
}

/**
 * Which node each shard belongs to: the one with the highest score for it (rendezvous hashing) that has not got its fair
 * share yet, so that nobody has two shards more than anybody else. Whoever looks comes to the same result, in whatever
 * order the nodes are known; when a node comes or goes, few shards change hands besides its own. What a node has declined is
 * another's, whatever that one has, unless all have.
 */
export function assign(nodes: readonly Candidate[], shards: number): ReadonlyMap<number, string> {
  const all = nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1));
  const assigned = new Map<number, string>();
  const held = new Map<string, number>(all.map(({ node }) => [node, 0]));
  if (all.length === 0) return assigned;
  const fair = Math.floor(shards / all.length);
  // So many nodes have one more.
  let left = shards % all.length;
  const pairs = preferences(all, shards);
  for (const { shard, node } of pairs) {
    const has = held.get(node) ?? 0;
    if (assigned.has(shard) || has > fair || (has === fair && left === 0)) continue;
    if (has === fair) left -= 1;
    held.set(node, has + 1);
    assigned.set(shard, node);
  }
  for (const { shard } of pairs) {
    if (assigned.has(shard)) continue;
    const able = pairs.filter((pair) => pair.shard === shard);
    const [least] = able.toSorted((a, b) => (held.get(a.node) ?? 0) - (held.get(b.node) ?? 0));
    if (least === undefined) continue;
    held.set(least.node, (held.get(least.node) ?? 0) + 1);
    assigned.set(shard, least.node);
  }
  return assigned;
}

/** Every pair of a shard and a node that may have it, the best first. */
function preferences(
  nodes: readonly Candidate[],
  shards: number,
): readonly { readonly shard: number; readonly node: string }[] {
  return Array.from({ length: shards }, (_, shard) => {
    const able = nodes.filter(({ declined }) => declined?.includes(shard) !== true);
    const those = able.length === 0 ? nodes : able;
    return those.map(({ node, name }) => ({ shard, node, score: scoreOf(name, shard) }));
  })
    .flat()
    .toSorted((a, b) => b.score - a.score || a.shard - b.shard || (a.node < b.node ? -1 : 1));
}

/** FNV-1a, and a mix of its bits, for the last characters of a text change too few of them. */
function scoreOf(name: string, shard: number): number {
  let hash = 0x811c9dc5;
  for (const character of `${shard}:${name}`) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
