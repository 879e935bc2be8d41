import assert from "node:assert/strict";
import { Listeners } from "../../src/listeners.ts";
import type { StoreHealth } from "../../src/store/store.ts";
import { unlessAway } from "../../src/store/unless-away.ts";
import { describe, it } from "../support/test.ts";

const never = new Promise<never>(() => {});
const away: StoreHealth = { state: "away", detail: "" };

describe("unlessAway()", () => {
  it("waits for what is under way, whatever comes of it", async () => {
    const store = { health: { state: "open" } as StoreHealth, onHealth: () => () => {} };
    const { promise, resolve } = Promise.withResolvers<void>();
    let isOver = false;
    const waiting = unlessAway(store, promise).then(() => (isOver = true));
    await new Promise(setImmediate);
    assert.equal(isOver, false);
    resolve();
    await waiting;
    await unlessAway(store, Promise.reject(new Error("It was refused")));
  });

  it("does not wait for a store that is away, or comes to be", async () => {
    await unlessAway({ health: away, onHealth: () => () => {} }, never);
    const watchers = new Listeners();
    const store = {
      health: { state: "open" } as StoreHealth,
      onHealth: (listener: () => void) => watchers.add(listener),
    };
    const waiting = unlessAway(store, never);
    store.health = { state: "full", detail: "" };
    watchers.call();
    store.health = away;
    watchers.call();
    await waiting;
  });
});
