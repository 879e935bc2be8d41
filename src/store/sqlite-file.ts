import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { OnOpening } from "./opening.ts";
import { applicationId, migrate, migrations, run } from "./sqlite-schema.ts";

/** Why a file cannot be used as a store. The message is for the operator, and names the file. */
export class UnusableStore extends Error {}

export interface SqliteOptions {
  readonly file: string;
  /** The file's size at most. */
  readonly maxBytes: number;
  /** How long to wait for another process to let go of the file. */
  readonly busyTimeoutMs: number;
  /** How a file of one version becomes one of the next; those of this Connack unless told. */
  readonly migrations?: readonly (readonly string[])[];
}

/** Of the file in memory at most; what is written again and again must not be read again and again. */
const cacheKibibytes = 16_384;

/** Opens, checks and migrates a database, and locks it for this process alone. */
export function openFile(
  { file, busyTimeoutMs, migrations: steps = migrations }: SqliteOptions,
  onOpening: OnOpening = () => {},
): DatabaseSync {
  const existed = existsSync(file);
  const database = explained(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // SQLite would make it for everybody to read, and the files beside it are as it is.
    closeSync(openSync(file, "a", 0o600));
    for (const end of ["", "-wal", "-journal"]) makePrivate(`${file}${end}`);
    return openLocked(file, busyTimeoutMs, onOpening);
  });
  try {
    explained(file, () => {
      const version = prepareFile(database, file, existed, steps.length);
      migrate(database, version, steps, (done, total) => {
        // That which makes a new file is none.
        if (version > 0) onOpening({ step: "migrating", from: version, to: steps.length, done, total });
      });
      begin(database, file, version, onOpening);
    });
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function openLocked(file: string, busyTimeoutMs: number, onOpening: OnOpening): DatabaseSync {
  try {
    return lock(file, 0);
  } catch (error) {
    if (!isBusy(error) || busyTimeoutMs === 0) throw error;
    onOpening({ step: "waiting" });
    return lock(file, busyTimeoutMs);
  }
}

function lock(file: string, busyTimeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    run(database, `PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // Before the journal mode, so that the index of the log is in memory and no second process can map it.
    run(database, "PRAGMA locking_mode = EXCLUSIVE");
    run(database, "PRAGMA journal_mode = WAL");
    // Each commit is on disk when it has resolved, and not only safe from a crash of the process.
    run(database, "PRAGMA synchronous = FULL");
    run(database, `PRAGMA cache_size = -${cacheKibibytes}`);
    // Nothing is written beside the file: not where others may look, and there may be nowhere else to write.
    run(database, "PRAGMA temp_store = MEMORY");
    run(database, "BEGIN IMMEDIATE");
    run(database, "COMMIT");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Takes a file that was restored or copied away from all but its owner: passwords in it are sealed, messages are not. Not
 * every file system has permissions, and one that others own is theirs to look after.
 */
function makePrivate(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  // Windows has no such permissions, and shows all files as everybody's.
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  try {
    chmodSync(path, mode & 0o700);
  } catch {
    // As it was.
  }
}

/** The version of the file's tables, after it is known to be ours. */
function prepareFile(database: DatabaseSync, file: string, existed: boolean, newest: number): number {
  const version = pragma(database, "user_version");
  const id = pragma(database, "application_id");
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (existed && id !== applicationId && !isEmpty)
    throw new UnusableStore(`${file} is a database, but not a store of Connack's`);
  if (version > newest)
    throw new UnusableStore(
      `${file} was written by a newer Connack (its version is ${version}, this one knows up to ${newest})`,
    );
  if (id !== applicationId) run(database, `PRAGMA application_id = ${applicationId}`);
  return version;
}

/** Notes that the file is in use; one that was not closed is looked through first. */
function begin(database: DatabaseSync, file: string, version: number, onOpening: OnOpening): void {
  const state = database.prepare("SELECT clean FROM state").get();
  if (state === undefined) {
    const epoch = randomBytes(6).toString("hex");
    database
      .prepare("INSERT INTO state (one, epoch, owner, position, commits, clean) VALUES (1, ?, 0, 0, 0, 0)")
      .run(epoch);
    return;
  }
  if (state["clean"] === 0 && version > 0) {
    onOpening({ step: "checking" });
    checkPages(database, file);
  }
  run(database, "UPDATE state SET clean = 0");
}

function checkPages(database: DatabaseSync, file: string): void {
  const [first] = database.prepare("PRAGMA quick_check(1)").all();
  const said = String(Object.values(first ?? {})[0]);
  if (said !== "ok")
    throw new UnusableStore(`${file} is damaged (${said.split("\n")[0]}); restore it from a backup`);
}

export function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** Runs `open` with what SQLite says turned into what an operator can do. */
function explained<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof UnusableStore) throw error;
    throw new UnusableStore(`${file} cannot be used as the store: ${meaningOf(error)}`, { cause: error });
  }
}

function meaningOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  switch (resultCode(error) & 0xff) {
    case 5:
      return "another process has it open";
    case 8:
      return "it is read-only";
    case 11:
    case 26:
      return `it is damaged, or not a database (${message})`;
    case 13:
      return "there is no room on the disk";
    case 14:
      return `it cannot be opened (${message}); check that the folder exists and can be written to`;
    default:
      return message;
  }
}

/** Whether another process has the file open. */
export function isBusy(error: unknown): boolean {
  return (resultCode(error) & 0xff) === 5;
}

/** SQLite's extended result code; 0 for an error that is not SQLite's. */
export function resultCode(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) : 0;
}
