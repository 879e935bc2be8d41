import assert from "node:assert/strict";
import { ShardKeeper, type ShardKeeperOptions, type Turn } from "../../src/cluster/shard-keeper.ts";
import { Turns } from "../../src/cluster/turns.ts";
import type { PlacedRecord } from "../../src/store/jetstream-chain.ts";
import type { Store } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

/** A record of the chain, which is all that is looked at of it. */
function record(sequence: number, node: string, kind: PlacedRecord["kind"] = "owner"): PlacedRecord {
  return { sequence, node, kind, id: `${sequence}`, more: false, previous: 0, data: new Uint8Array() };
}

/** A keeper of the node `me` that takes its shard, as far as a test does not say otherwise. */
function keep(more: Partial<ShardKeeperOptions> = {}) {
  const closed = Promise.withResolvers<{ readonly inHurry: boolean }>();
  const owned = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const scene = { turn: "take" as Turn, last: record(7, "before", "release") };
  const keeper = new ShardKeeper({
    ...{ shard: 3, node: "me", isDead: () => false, isFresh: () => true, now: () => performance.now() },
    readLast: async () => scene.last,
    openStore: async () => ({}) as Store,
    begin: async () => {
      scene.last = record(8, "me");
      return { close: async (inHurry) => closed.resolve({ inHurry }) };
    },
    turn: () => scene.turn,
    inTurn: (_, job) => job(),
    onStanding: () => {
      if (keeper.standing.role === "owner") owned.resolve();
    },
    onTrouble: () => {},
    tellReleased: () => {},
    ...more,
  });
  const running = keeper.run(stopping.signal);
  return {
    ...{ keeper, scene, owned: owned.promise, closed: closed.promise },
    stop: () => stopping.abort(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

/** Turns of which hand-overs get none: somebody else is at it for ever. */
function crowded() {
  const turns = new Turns(1, 0, () => performance.now());
  void turns.run(() => new Promise(() => {}));
  const queued = Promise.withResolvers<void>();
  const inTurn: ShardKeeperOptions["inTurn"] = (what, job, atOnce) => {
    if (what === "take-over") return job();
    queued.resolve();
    return turns.run(job, atOnce);
  };
  return { inTurn, queued: queued.promise };
}

describe("ShardKeeper", () => {
  it("lets go at once of what it waits to hand over, when that is not its own any more", async () => {
    const { inTurn, queued } = crowded();
    await using shard = keep({ inTurn });
    await shard.owned;
    shard.scene.turn = "give";
    shard.keeper.nudge();
    await queued;
    shard.keeper.lapse();
    assert.deepEqual(await shard.closed, { inHurry: true });
  });

  it("does not wait for its turn to hand over when its node stops", async () => {
    const { inTurn, queued } = crowded();
    await using shard = keep({ inTurn });
    await shard.owned;
    shard.scene.turn = "give";
    shard.keeper.nudge();
    await queued;
    shard.stop();
    assert.deepEqual(await shard.closed, { inHurry: false });
  });

  it("does not begin what has become another node's while it waited for its turn", async () => {
    const opened: number[] = [];
    const turn = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    await using shard = keep({
      openStore: async (after) => {
        opened.push(after);
        return {} as Store;
      },
      inTurn: async (_, job) => {
        waiting.resolve();
        await turn.promise;
        return job();
      },
    });
    await waiting.promise;
    shard.scene.turn = "give";
    turn.resolve();
    shard.stop();
    await shard[Symbol.asyncDispose]();
    assert.deepEqual(opened, []);
  });

  it("waits longer each time when it cannot be taken over: each try writes, and reads all that there is", async () => {
    const tries: number[] = [];
    const enough = Promise.withResolvers<void>();
    await using _ = keep({
      begin: async () => {
        tries.push(performance.now());
        if (tries.length === 4) enough.resolve();
        throw new Error("It cannot be read");
      },
    });
    await enough.promise;
    const [first = 0, , , last = 0] = tries;
    // Half a second, one, and two; a busy machine is late.
    assert.ok(last - first > 3_000, `${last - first} ms`);
  });

  it("is not taken for lost by what a server says that does not know of it yet", async () => {
    await using shard = keep();
    await shard.owned;
    shard.scene.last = record(7, "before", "release");
    await shard.keeper.check();
    assert.equal(shard.keeper.standing.role, "owner");
    shard.scene.last = record(9, "another");
    await shard.keeper.check();
    assert.deepEqual(await shard.closed, { inHurry: true });
  });
});
