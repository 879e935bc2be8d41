import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatAptSource, isBaseArchive, parseAptSources } from "./apt-sources.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const sourceLists = "/etc/apt";

/**
 * Unpacks a package of the machine's own Debian archive into `target`, and changes nothing of the machine:
 * it is not installed, and apt's lists and cache are those of a temporary directory. `suite` is the release to
 * take it from, the machine's own unless told. Needs no rights; throws a sentence where it cannot.
 */
export function unpackDebianPackage(name: string, target: string, suite?: string): void {
  using directory = temporaryDirectory();
  const environment = {
    ...process.env,
    LC_ALL: "C",
    APT_CONFIG: writeAptConfig(directory.path, archiveSources(suite)),
  };
  // Its status is not looked at: an archive that another has added to the list may lack this suite.
  const updated = run("apt-get", ["update"], directory.path, environment);
  const downloaded = run("apt-get", ["download", name], directory.path, environment);
  const file = readdirSync(directory.path).find((entry) => entry.endsWith(".deb"));
  if (file === undefined)
    throw new Error(
      `Cannot download ${name} of ${suite ?? "this Debian"}: ${firstError(updated, downloaded)}`,
    );
  mkdirSync(target, { recursive: true });
  const unpacked = run("dpkg", ["-x", file, target], directory.path, environment);
  if (unpacked.status !== 0) throw new Error(`Cannot unpack ${file}: ${unpacked.stderr}`);
}

/** The machine's base archive with another suite, in words of apt. */
function archiveSources(suite: string | undefined): string {
  const codeName = debianCodeName();
  const texts = sourceFiles().map((file) => readFileSync(file, "utf8"));
  const sources = texts.flatMap(parseAptSources).filter((source) => isBaseArchive(source, codeName));
  if (sources.length === 0)
    throw new Error(`Cannot find Debian's own archive in the apt sources of ${sourceLists}`);
  return sources
    .map((source) => formatAptSource(source, suite === undefined ? source.suites : [suite]))
    .join("\n");
}

function debianCodeName(): string {
  let text = "";
  try {
    text = readFileSync("/etc/os-release", "utf8");
  } catch {
    // Not a Linux that says what it is, and so none of Debian's.
  }
  const codeName = /^VERSION_CODENAME=(\S+)$/m.exec(text)?.[1];
  if (!/^ID=debian$/m.test(text) || codeName === undefined) throw new Error("This machine is not Debian");
  return codeName;
}

function sourceFiles(): readonly string[] {
  const parts = join(sourceLists, "sources.list.d");
  const names = entries(parts).filter((name) => /\.(?:list|sources)$/.test(name));
  const single = entries(sourceLists).filter((name) => name === "sources.list");
  return [...single.map((name) => join(sourceLists, name)), ...names.map((name) => join(parts, name))];
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Of the machine's configuration, only how to reach archives: its hooks would act upon the machine. */
function writeAptConfig(directory: string, sources: string): string {
  const folder = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const own: readonly (readonly [option: string, value: string])[] = [
    ["Dir::Etc::main", "/dev/null"],
    ["Dir::Etc::parts", folder("parts")],
    ["Dir::Etc::sourcelist", "/dev/null"],
    ["Dir::Etc::sourceparts", folder("sources")],
    ["Dir::Etc::preferences", "/dev/null"],
    ["Dir::Etc::preferencesparts", folder("preferences")],
    ["Dir::State", folder("state")],
    ["Dir::State::lists", folder("lists")],
    ["Dir::State::status", "/var/lib/dpkg/status"],
    ["Dir::Cache", folder("cache")],
    // Root's apt would download as a user who may not write here.
    ["APT::Sandbox::User", ""],
    ["Acquire::Languages", "none"],
  ];
  writeFileSync(join(directory, "sources", "archive.sources"), sources);
  const dump = spawnSync("apt-config", ["dump", "Acquire"], { encoding: "utf8" }).stdout ?? "";
  const reaching = dump.split("\n").filter((line) => /^Acquire::(?!IndexTargets|Languages)/.test(line));
  const file = join(directory, "apt.conf");
  writeFileSync(file, [...reaching, ...own.map(([option, value]) => `${option} "${value}";`), ""].join("\n"));
  chmodSync(file, 0o644);
  return file;
}

interface Run {
  readonly status: number | null;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Run {
  const result = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: 120_000 });
  return { status: result.status, stderr: result.stderr ?? result.error?.message ?? "" };
}

function firstError(...runs: readonly Run[]): string {
  const lines = runs
    .flatMap(({ stderr }) => stderr.split("\n"))
    .filter((line) => /^[EW]: |^\w+: /.test(line));
  return lines.slice(0, 2).join("; ") || "apt-get has not said why";
}
