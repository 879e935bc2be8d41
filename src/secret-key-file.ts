import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { Secret } from "./secret.ts";
import { parseSecretKeys } from "./secret-key.ts";
import { SettingsError, type Settings } from "./settings.ts";

/** Room for a thousand keys and what is said of them; a larger file is not what was meant. */
const mostBytes = 65_536;

/**
 * The keys that stored secrets are encrypted with, the one that seals first: those of `CONNACK_SECRET_KEY`, or one a line
 * of `CONNACK_SECRET_KEY_FILE`, where `#` begins a comment. None where neither is set.
 *
 * @throws {SettingsError} naming the file, and never what is in it
 */
export function readSecretKeys({
  secretKey,
  secretKeyFile,
}: Pick<Settings, "secretKey" | "secretKeyFile">): readonly Secret<Uint8Array>[] {
  if (secretKeyFile === null) return secretKey;
  const list = readPrivateFile(secretKeyFile)
    .split("\n")
    .map((line, index) => ({ text: line.replace(/#.*/, "").trim(), name: `line ${index + 1}` }))
    .filter(({ text }) => text !== "");
  const parsed = parseSecretKeys(list);
  return parsed.ok ? parsed.keys : refuse(secretKeyFile, parsed.detail);
}

function refuse(path: string, why: string): never {
  throw new SettingsError(`CONNACK_SECRET_KEY_FILE=${JSON.stringify(path)}: ${why}`);
}

/** The text of a file that only its owner can read. What is looked at is what is read: the file is opened once. */
function readPrivateFile(path: string): string {
  const file = open(path);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return refuse(path, "is not a file");
    // Windows has no such permissions, and shows all files as everybody's.
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0)
      return refuse(path, `others than its owner have permissions on it; run: chmod 600 ${quoted(path)}`);
    if (stat.size > mostBytes) return refuse(path, `expected at most ${mostBytes} bytes, not ${stat.size}`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    // Without O_NONBLOCK, the start would wait at a pipe that nobody writes to.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return refuse(path, error instanceof Error ? error.message : "cannot be read");
  }
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
