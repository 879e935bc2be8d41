import { readFileSync } from "node:fs";
import { SettingsError } from "./settings.ts";

/**
 * The name of the file that `--config` gives; null without.
 *
 * @throws {SettingsError} where it gives none
 */
export function configPath(argv: readonly string[]): string | null {
  const index = argv.indexOf("--config");
  if (index === -1) return null;
  const path = argv[index + 1];
  if (path === undefined) throw new SettingsError("--config needs the name of a file");
  return path;
}

/**
 * What is in the configuration file: no settings where there is none.
 *
 * @throws {SettingsError}
 */
export function readConfig(path: string | null): unknown {
  if (path === null) return {};
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    // A parser's words quote what it stumbled over, which may be a key.
    const why =
      error instanceof SyntaxError
        ? notJson(error)
        : error instanceof Error
          ? error.message
          : "cannot be read";
    throw new SettingsError(`--config ${path}: ${why}`);
  }
}

function notJson({ message }: SyntaxError): string {
  const place = /line \d+ column \d+|position \d+/.exec(message)?.[0];
  return `is not JSON${place === undefined ? "" : `, from ${place} on`}`;
}
