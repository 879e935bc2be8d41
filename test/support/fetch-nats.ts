/** Brings a nats-server for the tests, of a newer Debian, without installing it: `bun run nats:fetch` */
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unpackDebianPackage } from "./debian-package.ts";
import {
  fetchedVersion,
  isAtLeast,
  leastVersion,
  natsCache,
  natsProgram,
  type NatsProgram,
  natsVariable,
  oldNatsProgram,
  probe,
} from "./nats-program.ts";

/** Where Debian's newest packages are; those that are written in Go run on older releases too. */
const newerSuite = "sid";

type Log = (line: string) => void;

/** The nats-server to test with, fetched when there is none; undefined after a line that says why not. */
export function fetchNats(log: Log): NatsProgram | undefined {
  const there = natsProgram();
  if (there !== undefined) return there;
  const named = process.env[natsVariable] ?? "";
  if (named !== "") {
    log(`${natsVariable} names ${named}, which is no nats-server of ${leastVersion.join(".")} or newer.`);
    return undefined;
  }
  try {
    const program = fetchFrom(newerSuite);
    if (isAtLeast(program.version, fetchedVersion)) return program;
    log(`nats-server ${program.version} was fetched; the tests want ${fetchedVersion.join(".")} or newer.`);
  } catch (error) {
    log(
      `nats-server was not fetched. ${reason(error)}. Put one of ${leastVersion.join(".")} or newer on the PATH, or name it in ${natsVariable}.`,
    );
  }
  return undefined;
}

/** One that Connack has to refuse, where this machine's own release of Debian has it. */
export function fetchOldNats(log: Log): NatsProgram | undefined {
  const there = oldNatsProgram();
  if (there !== undefined) return there;
  try {
    const program = fetchFrom(undefined);
    if (!isAtLeast(program.version, leastVersion)) return program;
    log(`This Debian's own nats-server is ${program.version}, which is not old.`);
  } catch (error) {
    log(`An old nats-server was not fetched. ${reason(error)}.`);
  }
  return undefined;
}

/** It appears in the cache whole or not at all, also when two of these run at once. */
function fetchFrom(suite: string | undefined): NatsProgram {
  mkdirSync(natsCache, { recursive: true });
  const staging = mkdtempSync(join(natsCache, ".fetching-"));
  try {
    unpackDebianPackage("nats-server", join(staging, "package"), suite);
    const binary = join(staging, "nats-server");
    copyFileSync(join(staging, "package/usr/sbin/nats-server"), binary);
    const fetched = probe(binary);
    if (fetched === undefined) throw new Error("What was fetched does not start here");
    const path = join(natsCache, fetched.version);
    mkdirSync(path, { recursive: true });
    renameSync(binary, join(path, "nats-server"));
    return { path: join(path, "nats-server"), version: fetched.version };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/[.\s]+$/, "");
}

if (import.meta.main) {
  const log = (line: string) => void process.stdout.write(`${line}\n`);
  const program = fetchNats(log);
  if (program !== undefined) log(`nats-server ${program.version}: ${program.path}`);
  const old = fetchOldNats(log);
  if (old !== undefined) log(`nats-server ${old.version}, to be refused: ${old.path}`);
  if (program === undefined) process.exitCode = 1;
}
