import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fetchNats, fetchOldNats } from "./fetch-nats.ts";
import { debianPackage, isAvailable, type ToolName, toolNames } from "./tools.ts";

/** Installs what is missing where it can, on Debian as root, and returns what is missing still. */
export function installTools(log: (line: string) => void): readonly ToolName[] {
  const missing = missingTools();
  if (missing.length === 0) return missing;
  // The old one is a tool of nobody's: only tests that it is refused want it, and they do without.
  if (missing.includes("nats") && fetchNats(log) !== undefined) fetchOldNats(log);
  const packages = missing.flatMap((name) => debianPackage(name) ?? []);
  if (packages.length === 0) return missingTools();
  if (!existsSync("/etc/debian_version") || process.getuid?.() !== 0) {
    log(`Not installed: ${packages.join(", ")}. As root on Debian or Ubuntu they would be installed now.`);
    return missingTools();
  }
  log(`Installing ${packages.join(", ")}`);
  // A failed update is no reason to stop: the lists that are there may do.
  aptGet(log, "update");
  aptGet(log, "install", "-y", "--no-install-recommends", ...packages);
  return missingTools();
}

export function missingTools(): readonly ToolName[] {
  return toolNames.filter((name) => !isAvailable(name));
}

function aptGet(log: (line: string) => void, ...args: readonly string[]): void {
  const result = spawnSync("apt-get", args, {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: 300_000,
  });
  if (result.status !== 0) log(`apt-get ${args.join(" ")} failed: ${result.stderr ?? result.error?.message}`);
}
