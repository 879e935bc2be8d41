import type { Store } from "./store.ts";

/** Resolves when `kept` is settled, or as soon as the store is away: then what is under way may stay so for hours. */
export function unlessAway(store: Pick<Store, "health" | "onHealth">, kept: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (store.health.state === "away") end();
    };
    const unlisten = store.onHealth(look);
    const end = () => {
      unlisten();
      resolve();
    };
    kept.then(end, end);
    look();
  });
}
