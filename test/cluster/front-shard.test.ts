import assert from "node:assert/strict";
import { v7 as uuidv7 } from "uuid";
import { idInShard, shardOf } from "../../src/cluster/front-shard.ts";
import { describe, it } from "../support/test.ts";

/** These stand for ever: a node that came to another shard would look for connections where they are not. */
const known: readonly (readonly [id: string, of12: number, of64: number, of1024: number])[] = [
  ["", 11, 11, 11],
  ["a", 3, 51, 435],
  ["b", 6, 50, 562],
  ["c1", 10, 46, 366],
  ["default", 8, 44, 300],
  ["device-000001", 5, 29, 93],
  ["c_0199a0f2-7d4e-7b1a-9c00-0123456789ab", 2, 10, 74],
  ["~._-", 5, 45, 941],
  ["Z".repeat(64), 11, 43, 811],
];

describe("shardOf()", () => {
  it("is what it always was", () => {
    for (const [id, of12, of64, of1024] of known)
      assert.deepEqual([shardOf(id, 12), shardOf(id, 64), shardOf(id, 1_024)], [of12, of64, of1024], id);
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
        const counts = Array.from({ length: shards }, () => 0);
        const each = 2_000;
        for (let n = 0; n < shards * each; n += 1) {
          const shard = shardOf(make(n), shards);
          counts[shard] = (counts[shard] ?? 0) + 1;
        }
        // Chance alone is six times its deviation off once in a billion.
        const most = 6 * Math.sqrt(each);
        for (const count of counts) assert.ok(Math.abs(count - each) < most, counts.join());
      });
});

describe("idInShard()", () => {
  it("makes ids that belong there", () => {
    for (let shard = 0; shard < 12; shard += 1)
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
    const other = (shardOf("same", 12) + 1) % 12;
    assert.throws(() => idInShard(() => "same", other, 12), /do not differ/);
  });
});
