import type { DatabaseSync } from "node:sqlite";

/** "CNAK" as a number, in the file's header: this file is a store of Connack's. */
export const applicationId = 0x434e414b;

/**
 * Step n, statement by statement, turns a file of version n into one of version n + 1. Never changed once released;
 * further ones are added.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE state (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      epoch TEXT NOT NULL,
      owner INTEGER NOT NULL,
      position INTEGER NOT NULL,
      commits INTEGER NOT NULL,
      clean INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE records (
      space TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE logs (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      trimmed INTEGER NOT NULL DEFAULT 0
    ) STRICT`,
    `CREATE TABLE entries (
      log INTEGER NOT NULL,
      position INTEGER NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (log, position)
    ) STRICT, WITHOUT ROWID`,
  ],
];

/**
 * Brings the file to the newest version, one transaction a step; what was interrupted begins again. `onStatement` hears how
 * many statements have run, before each and at the end.
 */
export function migrate(
  database: DatabaseSync,
  from: number,
  steps = migrations,
  onStatement: (done: number, total: number) => void = () => {},
): void {
  const total = steps.slice(from).flat().length;
  let done = 0;
  for (const [index, step] of steps.entries()) {
    if (index < from) continue;
    run(database, "BEGIN IMMEDIATE");
    for (const statement of step) {
      onStatement(done, total);
      run(database, statement);
      done += 1;
    }
    run(database, `PRAGMA user_version = ${index + 1}`);
    run(database, "COMMIT");
  }
  if (total > 0) onStatement(done, total);
}

/** Runs one statement. Not by exec(), whose errors have no result code on one runtime. */
export function run(database: DatabaseSync, statement: string): void {
  database.prepare(statement).all();
}
