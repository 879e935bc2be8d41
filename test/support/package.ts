import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { runtimeProgram, type RuntimeName } from "./runtimes.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** What `npm pack` makes, as a file, and what is in it, by paths in the package. */
export interface PackedPackage {
  readonly file: string;
  readonly contents: readonly string[];
}

/** Packs a copy in `folder`, since runs beside this one use the checkout's `dist`. */
export async function packPackage(folder: string): Promise<PackedPackage> {
  const source = join(folder, "source");
  mkdirSync(source);
  for (const name of ["package.json", "tsconfig.json", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"])
    copyFileSync(join(root, name), join(source, name));
  for (const name of ["src", "routes", "docs", "test/mqtt"])
    cpSync(join(root, name), join(source, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
  // What an older build has left must not get into a package.
  mkdirSync(join(source, "dist/server"), { recursive: true });
  writeFileSync(join(source, "dist/server/stale.js"), "");
  const env = { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` };
  await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: source, env });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const file = join(folder, `connack-${version}.tgz`);
  const { stdout } = await run("tar", ["-tzf", file]);
  return {
    file,
    contents: stdout
      .trim()
      .split("\n")
      .map((name) => name.replace(/^package\//, ""))
      .toSorted(),
  };
}

/** Installs the file in the empty folder `user`, with what it depends on: by Bun, or by npm, which takes its time. */
export async function installPackage(file: string, user: string, by: "bun" | "npm"): Promise<void> {
  mkdirSync(user);
  writeFileSync(join(user, "package.json"), '{"type":"module"}');
  const options = { cwd: user, timeout: 90_000 };
  if (by === "bun") await run(runtimeProgram("bun"), ["add", file], options);
  // What has been fetched for another test is not asked for again.
  else await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", file], options);
}

/** What the launcher is made of. */
const shellTools = ["sh", "env", "dirname", "readlink"] as const;

/** A `PATH` in `folder` with what the launcher is made of, what is named besides, and no runtime but this one, if any. */
export function pathWith(folder: string, runtime: RuntimeName | null, ...others: readonly string[]): string {
  const bin = mkdtempSync(join(folder, "path-"));
  for (const name of [...shellTools, ...others]) {
    const places = (process.env["PATH"] ?? "").split(":").map((place) => join(place, name));
    const found = places.find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(bin, name));
  }
  if (runtime !== null) symlinkSync(runtimeProgram(runtime), join(bin, runtime));
  return bin;
}
