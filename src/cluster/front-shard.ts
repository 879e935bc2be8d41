/** Has what belongs to no connection; and, so that all nodes can follow it cheaply, no connections where there are others. */
export const home = 0;

/** The shards that connections belong to. */
export function shardsOfConnections(shards: number): readonly number[] {
  return Array.from({ length: shards }, (_, shard) => shard).slice(shards === 1 ? 0 : 1);
}

/**
 * The shard that the id of a connection belongs to, for ever: every node, of whatever version, must come to the same. FNV-1a of 32 bits over
 * the UTF-16 code units of the decoded id (those of connections are ASCII, so that these are its bytes), then the last mix
 * of MurmurHash3, without which the low bits of ids that are alike are alike too; modulo the number of shards but for the
 * first one, which is {@link home}.
 */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return home;
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) % (shards - 1)) + 1;
}

/** It takes as many as there are shards, on average; that none of so many times that fits is not chance. */
const mostTriesOfShard = 100;

/** A new id that belongs to the shard. */
export function idInShard(newId: () => string, shard: number, shards: number): string {
  for (let left = mostTriesOfShard * shards; left > 0; left -= 1) {
    const id = newId();
    if (shardOf(id, shards) === shard) return id;
  }
  throw new Error("New ids do not differ enough to belong to every shard");
}
