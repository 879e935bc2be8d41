import assert from "node:assert/strict";
import { v7 as uuidv7 } from "uuid";
import { idInShard, shardOf, shardsOfConnections } from "../../src/cluster/front-shard.ts";
import { describe, it } from "../support/test.ts";

/** These stand for ever: a node that came to another shard would look for connections where they are not. */
const known: readonly (readonly [id: string, of12: number, of64: number, of1024: number])[] = [
  ["", 4, 33, 609],
  ["a", 2, 1, 904],
  ["b", 9, 55, 889],
  ["c1", 10, 11, 659],
  ["default", 8, 63, 261],
  ["device-000001", 4, 45, 642],
  ["c_0199a0f2-7d4e-7b1a-9c00-0123456789ab", 5, 24, 126],
  ["~._-", 10, 42, 846],
  ["Z".repeat(64), 1, 30, 78],
];

describe("shardOf()", () => {
  it("is what it always was", () => {
    for (const [id, of12, of64, of1024] of known)
      assert.deepEqual([shardOf(id, 12), shardOf(id, 64), shardOf(id, 1_024)], [of12, of64, of1024], id);
  });

  it("leaves the first one to what belongs to no connection, where there are others", () => {
    assert.deepEqual([shardOf("a", 1), shardOf("b", 1)], [0, 0]);
    for (let n = 0; n < 1_000; n += 1) assert.notEqual(shardOf(`c${n}`, 2 + (n % 127)), 0);
  });

  const kinds: Record<string, (n: number) => string> = {
    numbers: (n) => String(n),
    "numbered names": (n) => `device-${String(n).padStart(6, "0")}`,
    "ids of ours": () => `c_${uuidv7()}`,
    "names that differ at their beginning": (n) => `${n}.sensors.plant.example`,
  };
  for (const [kind, make] of Object.entries(kinds))
    for (const shards of [2, 3, 12, 64])
      it(`divides ${kind} among ${shards} evenly`, () => {
        const counts = shardsOfConnections(shards).map(() => 0);
        const each = 2_000;
        for (let n = 0; n < counts.length * each; n += 1) {
          const place = shardOf(make(n), shards) - 1;
          counts[place] = (counts[place] ?? 0) + 1;
        }
        // Chance alone is six times its deviation off once in a billion.
        const most = 6 * Math.sqrt(each);
        for (const count of counts) assert.ok(Math.abs(count - each) < most, counts.join());
      });
});

describe("idInShard()", () => {
  it("makes ids that belong there", () => {
    for (const shard of shardsOfConnections(12))
      assert.equal(
        shardOf(
          idInShard(() => `c_${uuidv7()}`, shard, 12),
          12,
        ),
        shard,
      );
    assert.match(
      idInShard(() => "only", 0, 1),
      /only/,
    );
  });

  it("does not look for ever", () => {
    const other = (shardOf("same", 12) % 11) + 1;
    assert.throws(() => idInShard(() => "same", other, 12), /do not differ/);
  });
});
