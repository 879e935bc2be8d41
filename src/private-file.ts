import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Room for a thousand keys and what is said of them; a larger file is not what was meant. */
const mostBytes = 65_536;

/**
 * The text of a file that only its owner can read. What is looked at is what is read: the file is opened once. `refuse`
 * throws, with what is wrong with the file.
 */
export function readPrivateFile(path: string, refuse: (why: string) => never): string {
  const file = open(path, refuse);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return refuse("is not a file");
    // Windows has no such permissions, and shows all files as everybody's.
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0)
      return refuse(`others than its owner have permissions on it; run: chmod 600 ${quoted(path)}`);
    if (stat.size > mostBytes) return refuse(`expected at most ${mostBytes} bytes, not ${stat.size}`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function open(path: string, refuse: (why: string) => never): number {
  try {
    // Without O_NONBLOCK, the start would wait at a pipe that nobody writes to.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : "cannot be read");
  }
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
