import type { DatabaseSync } from "node:sqlite";
import { run } from "./sqlite-schema.ts";
import type { Change } from "./store.ts";

/** Rows that are deleted in one transaction: what that writes fits into the reserve. */
const rowsAtOnce = 200;

/**
 * Deletes most of what a change would, bit by bit, each bit giving back the room that the next one needs: on a full disk
 * a large deletion could not be written at once. What is left is for the change itself.
 */
export function shrink(database: DatabaseSync, change: Change): void {
  if (change.type === "drop") shrinkLog(database, change.log, Number.MAX_SAFE_INTEGER);
  else if (change.type === "trim") shrinkLog(database, change.log, change.through);
  else if (change.type === "clear") shrinkSpace(database, change.space);
}

function shrinkLog(database: DatabaseSync, name: string, through: number): void {
  const id = database.prepare("SELECT id FROM logs WHERE name = ?").get(name)?.["id"];
  if (id === undefined) return;
  const find = database.prepare(
    "SELECT position FROM entries WHERE log = ? AND position <= ? ORDER BY position LIMIT 1 OFFSET ?",
  );
  const trim = database.prepare("DELETE FROM entries WHERE log = ? AND position <= ?");
  const note = database.prepare("UPDATE logs SET trimmed = max(trimmed, ?) WHERE id = ?");
  for (;;) {
    const position = find.get(Number(id), through, rowsAtOnce)?.["position"];
    if (position === undefined) return;
    transact(database, () => {
      trim.run(Number(id), Number(position));
      note.run(Number(position), Number(id));
    });
  }
}

function shrinkSpace(database: DatabaseSync, space: string): void {
  const find = database.prepare("SELECT key FROM records WHERE space = ? ORDER BY key LIMIT 1 OFFSET ?");
  const remove = database.prepare("DELETE FROM records WHERE space = ? AND key <= ?");
  for (;;) {
    const key = find.get(space, rowsAtOnce)?.["key"];
    if (key === undefined) return;
    transact(database, () => remove.run(space, String(key)));
  }
}

function transact(database: DatabaseSync, work: () => void): void {
  run(database, "BEGIN IMMEDIATE");
  work();
  run(database, "COMMIT");
  // The write-ahead log begins again from its start, and needs no further room.
  run(database, "PRAGMA wal_checkpoint(RESTART)");
}
