/** Looks at what we depend on: `bun run audit [--offline]`. Without a network it says so, and checks what it can. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { readAdvice } from "./advisories.ts";
import { readSupplyChain } from "./supply-chain.ts";
import { findings } from "./supply-chain-rules.ts";

const root = join(import.meta.dirname, "../..");

function say(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function audit(offline: boolean): number {
  const chain = readSupplyChain();
  const wrong = findings(chain);
  say(wrong.map((line) => `wrong: ${line}`));
  const runtime = new Set(chain.npm.filter((locked) => locked.runtime).map(({ name }) => name));
  say([`${chain.npm.length} packages, ${runtime.size} at run time: ${wrong.length} findings`]);
  if (offline) return wrong.length > 0 ? 1 : 0;
  const asked = spawnSync(process.execPath, ["audit", "--json"], {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });
  const advice = readAdvice(asked.stdout ?? "", asked.stderr ?? String(asked.error), runtime);
  if (advice.type === "unreachable") {
    say([`advisories: NOT CHECKED, the advisory service could not be asked: ${advice.why}`]);
    return wrong.length > 0 ? 1 : 0;
  }
  say(advice.grave.map((line) => `wrong: ${line}`));
  say(advice.others.map((line) => `note: ${line}`));
  say([`advisories: ${advice.grave.length} that count, ${advice.others.length} others`]);
  return wrong.length + advice.grave.length > 0 ? 1 : 0;
}

process.exitCode = audit(process.argv.includes("--offline"));
