import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../src/store/sqlite-schema.ts";

/** A version of the store that is newer than the present one, and whose migration takes for as long as a test likes. */
export interface MigrationGate extends Disposable {
  readonly migrations: readonly (readonly string[])[];
  /** Lets it through. */
  open(): void;
}

/** What the newer version has: one row. */
export const newer = { version: migrations.length + 1, table: "newer" } as const;

/** The statements of a migration of which the third waits for the lock of another file. */
export function gatedMigrations(gateFile: string): readonly (readonly string[])[] {
  return [
    ...migrations,
    [
      `CREATE TABLE ${newer.table} (x TEXT)`,
      "PRAGMA busy_timeout = 600000",
      `ATTACH '${gateFile}' AS gate`,
      `INSERT INTO ${newer.table} SELECT x FROM gate.passage`,
    ],
  ];
}

/** Makes the other file, and locks it. */
export function migrationGate(gateFile: string): MigrationGate {
  const database = new DatabaseSync(gateFile);
  database.exec("CREATE TABLE passage (x TEXT); INSERT INTO passage VALUES ('through'); BEGIN EXCLUSIVE");
  let isOpen = false;
  const open = () => {
    if (!isOpen) database.close();
    isOpen = true;
  };
  return { migrations: gatedMigrations(gateFile), open, [Symbol.dispose]: open };
}
