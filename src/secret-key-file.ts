import { readPrivateFile } from "./private-file.ts";
import type { Secret } from "./secret.ts";
import { parseSecretKeys } from "./secret-key.ts";
import { SettingsError, type Settings } from "./settings.ts";

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
  const list = readPrivateFile(secretKeyFile, (why) => refuse(secretKeyFile, why))
    .split("\n")
    .map((line, index) => ({ text: line.replace(/#.*/, "").trim(), name: `line ${index + 1}` }))
    .filter(({ text }) => text !== "");
  const parsed = parseSecretKeys(list);
  return parsed.ok ? parsed.keys : refuse(secretKeyFile, parsed.detail);
}

function refuse(path: string, why: string): never {
  throw new SettingsError(`CONNACK_SECRET_KEY_FILE=${JSON.stringify(path)}: ${why}`);
}
