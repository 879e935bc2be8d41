/** Breaks a cluster in every way, under load: `bun run test:cluster [--seconds N] [--seed S] [--deno] [--only PART-OF-A-FAULT'S-NAME]`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    connections: { type: "string", default: "60" },
    only: { type: "string", default: "" },
    rate: { type: "string", default: "100" },
    deno: { type: "boolean", default: false },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const directory = mkdtempSync(join(tmpdir(), "connack-chaos-"));
const { wrong, summary } = await runChaos({
  runtime: values.deno ? "deno" : "bun",
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
  perSecond: Number(values.rate),
  ...{ only: values.only, directory, say },
});
for (const line of wrong) say(`wrong: ${line}`);
say(`seed ${values.seed}: ${summary}`);
if (wrong.length === 0) rmSync(directory, { recursive: true });
else say(`the logs are kept in ${directory}`);
process.exit(wrong.length === 0 ? 0 : 1);
