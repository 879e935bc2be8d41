import assert from "node:assert/strict";
import type { KV, KvEntry } from "@nats-io/kv";
import { Members } from "../../src/cluster/members.ts";
import { describe, it } from "../support/test.ts";

const times = { beatMs: 100, suspectMs: 400, unreachableMs: 100, selfMs: 10_000, claimMs: 20_000 };

/** What nodes say of themselves, and whether they answer, as a test has it. */
class World {
  readonly silent = new Set<string>();
  /** Whether nobody can write, this node among them. */
  stands = false;
  now = 0;
  #renewedAt = 0;
  #revision = 0;
  readonly #entries = new Map<string, KvEntry>();
  readonly #untold: KvEntry[] = [];
  #tell: () => void = () => {};

  readonly nodes = {
    watch: async () => Object.assign(this.#told(), { stop() {} }),
    keys: async () =>
      (async function* (keys) {
        yield* keys;
      })([...this.#entries.keys()]),
    get: async (key: string) => this.#entries.get(key) ?? null,
  } as unknown as KV;

  readonly members = new Members({
    ...{ nodes: this.nodes, node: "own", times, now: () => this.now },
    renewedAt: () => this.#renewedAt,
    isNobodyThere: async (node) => this.silent.has(node),
  });

  /** All that may write do. */
  beat(...names: readonly string[]): void {
    if (this.stands) return;
    this.#renewedAt = this.now;
    for (const name of ["own", ...names]) {
      this.#revision += 1;
      const text = JSON.stringify({ node: name, name, shards: [], connections: 0, isSettled: true });
      const entry = { key: name, revision: this.#revision, operation: "PUT", string: () => text };
      this.#entries.set(name, entry as unknown as KvEntry);
      this.#untold.push(entry as unknown as KvEntry);
    }
    this.#tell();
  }

  /** Until it has looked so often; what it looks at is 250 ms later each time. */
  async looks(times_: number, ...alive: readonly string[]): Promise<void> {
    for (let left = times_; left > 0; left -= 1) {
      this.now += 250;
      this.beat(...alive);
      // What is told arrives before anybody looks.
      await new Promise((resolve) => setImmediate(resolve));
      await this.members.look();
    }
  }

  async *#told(): AsyncGenerator<KvEntry> {
    for (;;) {
      yield* this.#untold.splice(0);
      await new Promise<void>((resolve) => (this.#tell = resolve));
    }
  }

  get live(): readonly string[] {
    return this.members
      .live()
      .map(({ name }) => name)
      .toSorted();
  }
}

async function worldOf(...names: readonly string[]): Promise<World> {
  const world = new World();
  world.beat(...names);
  await world.members.begin();
  return world;
}

describe("Members", () => {
  it("takes for dead who is silent and not there", async () => {
    const world = await worldOf("a", "b");
    using _members = world.members;
    world.silent.add("a");
    await world.looks(4, "b");
    assert.deepEqual(world.live, ["b", "own"]);
    assert.equal(world.members.isDead("a"), true);
  });

  it("does not take the dead for alive again when it could not see for a while itself", async () => {
    const world = await worldOf("a", "b");
    using _members = world.members;
    world.silent.add("a");
    await world.looks(4, "b");
    world.now += 6_000;
    await world.looks(1, "b");
    assert.deepEqual(world.live, ["b", "own"]);
    world.silent.delete("a");
    await world.looks(3, "a", "b");
    assert.deepEqual(world.live, ["a", "b", "own"]);
  });

  it("takes nobody for dead while it cannot write itself, and gives them time afterwards", async () => {
    const world = await worldOf("a");
    using _members = world.members;
    // As while leaders are elected: nobody writes, and servers do not know of one another's clients.
    world.stands = true;
    world.silent.add("a");
    await world.looks(20);
    assert.deepEqual(world.live, ["a", "own"]);
    world.stands = false;
    world.silent.delete("a");
    await world.looks(4, "a");
    assert.deepEqual(world.live, ["a", "own"]);
  });

  it("takes nobody for dead at once after it has stood still for longer than that takes", async () => {
    const world = await worldOf("a");
    using _members = world.members;
    world.now += 2 * times.claimMs;
    assert.deepEqual(world.live, ["a", "own"]);
    await world.looks(1);
    assert.deepEqual(world.live, ["a", "own"]);
  });
});
