import type { Change, Store, StoredRecord } from "../store/store.ts";
import type { LogKind } from "./body.ts";

/** Keeps changes, all or none; resolves when they survive. */
export type Commit = (changes: readonly Change[]) => Promise<unknown>;

/** Webhook id → the webhook. */
export const webhookSpace = "webhooks";
/** `<webhook>/<connection>/<messages|events>` → {@link Place}. */
export const cursorSpace = "webhook-cursors";
/** Webhook id → how many dead letters had to go. */
export const droppedSpace = "webhook-dropped";
/** Time and delivery id → the dead letter. */
export const deadSpace = (webhook: string) => `webhook-dead/${webhook}`;

/** Webhook id → which lanes it had when this was last heard of a webhook that is kept elsewhere. */
export const knownSpace = "webhook-known";

export const laneKey = (connection: string, kind: LogKind) => `${connection}/${kind}`;
export const cursorKey = (webhook: string, lane: string) => `${webhook}/${lane}`;

/** What was tried of the step that is due. */
export interface Tries {
  readonly failures: number;
  /** Of the time that goes on from one process to the next, in milliseconds. */
  readonly firstAt: number;
}

/** Where a lane is in its log. */
export interface Place {
  /** The last entry that is done with; null at the beginning. */
  readonly id: string | null;
  /** What became so far of what comes next. */
  readonly tries: Tries | null;
}

export function keepCursor(webhook: string, lane: string, place: Place): Change {
  return { type: "put", space: cursorSpace, key: cursorKey(webhook, lane), value: JSON.stringify(place) };
}

export function forgetCursor(webhook: string, lane: string): Change {
  return { type: "delete", space: cursorSpace, key: cursorKey(webhook, lane) };
}

/** All records of a space whose keys begin with `prefix`, in order. */
export async function* readAll(
  store: Pick<Store, "records">,
  space: string,
  prefix = "",
): AsyncGenerator<StoredRecord> {
  const page = 100;
  let after = prefix === "" ? null : prefix;
  for (;;) {
    const records = await store.records(space, after, page);
    for (const record of records) {
      if (!record.key.startsWith(prefix)) return;
      yield record;
      after = record.key;
    }
    if (records.length < page) return;
  }
}

/** Changes in commits of a bearable size; the last one is kept last. */
export async function commitInParts(commit: Commit, changes: readonly Change[]): Promise<void> {
  const most = 1_000;
  for (let start = 0; start < changes.length; start += most) await commit(changes.slice(start, start + most));
}
