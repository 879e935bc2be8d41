import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** `GET /connections/{id}`, and the like. */
export type CallName = string;

/** Every call that there is, out of the sources, so that none is forgotten. */
export function callsOfSources(): CallName[] {
  const folder = join(root, "routes");
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const forms = [/method: "(\w+)",\s*path: "([^"]+)"/g, /\bapp\.(get|post|put|patch|delete)\(\s*"([^"]+)"/g];
  const found = texts.flatMap((text) => forms.flatMap((form) => Array.from(text.matchAll(form))));
  const names = found.map(
    ([, method = "", path = ""]) => `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`,
  );
  return [...new Set(names)].toSorted();
}

/** README's table of scopes: by its first cell, the calls. */
export function callsOfReadme(): ReadonlyMap<string, readonly CallName[]> {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, section = ""] = readme.split("### What a token may do");
  const table = section.trimStart().split("\n\n")[0] ?? "";
  const rows = table
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(
    rows.map(([, who = "", calls = ""]) => [
      who.replaceAll("`", ""),
      [...calls.matchAll(/`([A-Z]+ \S+)`/g)].map(([, name = ""]) => name.replace("…", "/connections/{id}")),
    ]),
  );
}
