/** Kills Connack with SIGKILL, again and again: `bun run test:crash [--rounds N] [--seed S] [--runtime bun|deno]`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runRounds } from "./rounds.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    runtime: { type: "string", default: "bun" },
    verbose: { type: "boolean", default: false },
  },
});
const { runtime } = values;
if (runtime !== "bun" && runtime !== "deno") throw new TypeError("--runtime takes bun or deno");
const say = (line: string) => process.stdout.write(`${line}\n`);
const directory = mkdtempSync(join(tmpdir(), "connack-crash-"));
const started = performance.now();
say(`seed ${values.seed}, ${values.rounds} rounds on ${runtime}, store in ${directory}`);
const { round, wrong, kills, messages } = await runRounds({
  runtime,
  seed: Number(values.seed),
  rounds: Number(values.rounds),
  directory,
  log: values.verbose ? say : () => {},
});
for (const line of wrong) say(`wrong: ${line}`);
const seconds = ((performance.now() - started) / 1_000).toFixed(0);
say(`kills: ${JSON.stringify(kills)}; ${messages} messages; ${seconds} s`);
if (round === null) {
  rmSync(directory, { recursive: true });
  say("all that was acknowledged is there");
} else
  say(`failed in round ${round}, seed ${values.seed}; the store is kept: ${join(directory, "connack.db")}`);
process.exit(round === null ? 0 : 1);
