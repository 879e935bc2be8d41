import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** A nats-server that starts here. */
export interface NatsProgram {
  readonly path: string;
  readonly version: string;
}

type Version = readonly [major: number, minor: number];

/** What `bun run nats:fetch` brings, or newer. */
export const fetchedVersion: Version = [2, 15];
/** With less, compare-and-set among servers does not hold, and Connack refuses. */
export const leastVersion: Version = [2, 12];

/** Names the program to use, whatever else there is. */
export const natsVariable = "CONNACK_TEST_NATS_SERVER";

/** Where what has been fetched is found again: a folder a version. */
export const natsCache = join(import.meta.dirname, "../../node_modules/.cache/nats-server");

/** The one that the variable names, or the newest of those on the PATH and in the cache. */
export function natsProgram(): NatsProgram | undefined {
  const named = process.env[natsVariable];
  if (named !== undefined && named !== "") return newest([probe(named)], leastVersion);
  return newest([probe("nats-server"), ...cached()], leastVersion);
}

/** One that is too old to be used; see `fetch-nats.ts`. */
export function oldNatsProgram(): NatsProgram | undefined {
  return [probe("nats-server"), ...cached()].find(
    (program) => program !== undefined && !isAtLeast(program.version, leastVersion),
  );
}

export function isAtLeast(version: string, [major, minor]: Version): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Undefined when nothing of that name starts and says its version. */
export function probe(path: string): NatsProgram | undefined {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  const version = /^nats-server: v?(\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1];
  return version === undefined ? undefined : { path, version };
}

function cached(): readonly (NatsProgram | undefined)[] {
  return cachedVersions().map((version) => probe(join(natsCache, version, "nats-server")));
}

function cachedVersions(): readonly string[] {
  try {
    return readdirSync(natsCache).filter((name) => /^\d/.test(name));
  } catch {
    return [];
  }
}

function newest(programs: readonly (NatsProgram | undefined)[], least: Version): NatsProgram | undefined {
  const usable = programs.flatMap((program) =>
    program !== undefined && isAtLeast(program.version, least) ? [program] : [],
  );
  return usable.toSorted((a, b) => compare(b.version, a.version))[0];
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
