import type { Change, Store } from "../store/store.ts";
import type { Hook } from "./hook.ts";
import {
  commitInParts,
  cursorSpace,
  forgetCursor,
  readAll,
  webhookSpace,
  type Commit,
  type Place,
} from "./records.ts";
import type { Webhook } from "./webhook.ts";

/** The webhooks that the store has, with their places and their dead letters; places of no webhook go. */
export async function restoreHooks(
  store: Store,
  commit: Commit,
  make: (webhook: Webhook) => Promise<Hook>,
): Promise<readonly Hook[]> {
  const hooks = new Map<string, Hook>();
  for await (const { key, value } of readAll(store, webhookSpace)) {
    const hook = await make(JSON.parse(value) as Webhook);
    await hook.dead.restore();
    hooks.set(key, hook);
  }
  const stray: Change[] = [];
  for await (const { key, value } of readAll(store, cursorSpace)) {
    const slash = key.indexOf("/");
    const hook = hooks.get(key.slice(0, slash));
    if (hook === undefined) stray.push({ type: "delete", space: cursorSpace, key });
    else hook.lanes.place(key.slice(slash + 1), JSON.parse(value) as Place);
  }
  await commitInParts(commit, stray);
  return [...hooks.values()];
}

/** Places of connections that are not there, at most: one of the same id may come, and is to be told of a gap. */
const mostUnclaimed = 10_000;

/** Forgets the places that no connection has claimed, where there are too many. */
export async function forgetUnclaimed(hooks: readonly Hook[], commit: Commit): Promise<void> {
  const unclaimed = hooks.flatMap(({ webhook, lanes }) =>
    lanes.unclaimed.map((lane) => ({ lanes, lane, change: forgetCursor(webhook.id, lane) })),
  );
  const going = unclaimed.slice(mostUnclaimed);
  for (const { lanes, lane } of going) lanes.unplace(lane);
  await commitInParts(
    commit,
    going.map(({ change }) => change),
  );
}
