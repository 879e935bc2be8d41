import assert from "node:assert/strict";
import { NodeCells } from "../../src/cluster/node-cells.ts";
import type { Tunnel } from "../../src/cluster/tunnel.ts";
import { describe, it } from "../support/test.ts";

describe("NodeCells, when the process stood still", () => {
  it("answers by what it has itself only while that is its own for certain", async () => {
    let isFresh = true;
    const other = { node: "b-1", name: "b", version: "0", startedAt: "", shards: [0], isSettled: true };
    const cells = new NodeCells({
      tunnel: { forward: async () => new Response("another's") } as unknown as Tunnel,
      ...{ name: "connack", shards: 1, ownerWithinMs: 1_000, random: Math.random },
      members: () => [{ ...other, connections: 0 }],
      isFresh: () => isFresh,
      onChange: () => () => {},
      now: () => performance.now(),
      isGuarded: () => true,
      streams: { add: () => () => {} },
    });
    cells.enter(0, async () => new Response("own"));
    const ask = async () => (await cells.call(0, new Request("http://a/connections/x"))).text();
    assert.equal(await ask(), "own");
    // As behind a time in which the process stood still, in which others took what it had.
    isFresh = false;
    assert.equal(await ask(), "another's");
  });
});
