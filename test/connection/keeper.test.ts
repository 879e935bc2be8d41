import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { Keeper } from "../../src/connection/keeper.ts";
import type { Keeping, StoredConnection } from "../../src/connection/stored-connection.ts";
import { plainSealer } from "../../src/sealing.ts";
import { StoredTime } from "../../src/stored-time.ts";
import { Journal } from "../../src/store/journal.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Change, Lease } from "../../src/store/store.ts";
import { describe, it } from "../support/test.ts";

class CountingStore extends MemoryStore {
  readonly commits: (readonly Change[])[] = [];

  override commit(lease: Lease, changes: readonly Change[]) {
    this.commits.push(changes);
    return super.commit(lease, changes);
  }
}

async function kept() {
  const store = new CountingStore("epoch");
  const lease = await store.acquire();
  const journal = new Journal(store, lease, () => {});
  const time = await StoredTime.read(store, systemClock);
  const keeping: Keeping = { store, lease, sealer: plainSealer, journal, time };
  const state = { clientId: "c", request: {} } as unknown as StoredConnection;
  return { store, keeping, state };
}

const fresh = { first: [], kept: null };

describe("Keeper", () => {
  it("save() writes what has changed, and nothing when it is kept already", async () => {
    const { store, keeping, state } = await kept();
    let now = state;
    const keeper = new Keeper("a", keeping, () => now, fresh);
    await keeper.save();
    await keeper.save();
    assert.equal(store.commits.length, 1);
    now = { ...state, clientId: "d" };
    await keeper.save();
    assert.equal(store.commits.length, 2);
  });

  it("save() writes nothing over the record that a connection came back with", async () => {
    const { store, keeping, state } = await kept();
    await new Keeper("a", keeping, () => state, fresh).save();
    const value = (await store.get("connections", "a")) ?? "";
    const { request: storedRequest } = JSON.parse(value) as { request: string };
    await new Keeper("a", keeping, () => state, { first: [], kept: { value, storedRequest } }).save();
    assert.equal(store.commits.length, 1);
  });

  it("overwrite() writes what another one may have written over", async () => {
    const { store, keeping, state } = await kept();
    const keeper = new Keeper("a", keeping, () => state, fresh);
    await keeper.save();
    await new Keeper("a", keeping, () => ({ ...state, clientId: "other" }), fresh).save();
    keeper.overwrite();
    await keeper.settled();
    assert.match((await store.get("connections", "a")) ?? "", /"clientId":"c"/);
  });
});
