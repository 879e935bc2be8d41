/** Runs the tests on both runtimes: `bun test/support/run.ts [--bun] [--bun-sqlite] [--deno] [--skip-install] [part of a path]…` */
import { glob } from "node:fs/promises";
import { join } from "node:path";
import { installTools, missingTools } from "./install.ts";
import { none, sum } from "./junit.ts";
import { denoProgram } from "./runtimes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { type FileResult, killRunning, type Runtime, runTestFile } from "./test-file.ts";
import type { ToolName } from "./tools.ts";

const root = join(import.meta.dirname, "../..");
const limitMs = 240_000;
/** More than there are processors: most tests wait most of the time. */
const atOnce = 3;
/** These do so nearly all of the time, for seconds on end: one of them at a time runs beside the others. */
const waiting =
  /^test\/(cluster-chaos|cluster\/(node|usage-nodes|start-refused)\.|connection\/idle-ttl|serve\.|support\/nats-network|hardening\/(connected-half-open|http-slow|revocation|streams-(idle|slow|vanished)))/;
const alone =
  /hardening\/(http-|streams-idle|connect-(fields|network|refused|tls|websocket)|connected-(half-open|malformed|oversize)|hostile-texts-http)/;
const ownStores = /hardening\/(revocation|secrets-canary|tenants|topic-rights)/;
const onceIsEnough =
  /^test\/(cluster-chaos|demo-cluster|support\/nats|browser\/(look|cluster)\.|cluster\/(grounds|start-refused|usage-nodes)\.)/;
const directory = temporaryDirectory();

const bun: Runtime["command"] = (file, report) => {
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  return [process.execPath, "test", "--timeout", "60000", ...reporter, `./${file}`];
};

const runtimes: readonly Runtime[] = [
  { name: "bun", command: bun },
  {
    // The faults once more, with everything that is kept on disk, and with access control on.
    name: "bun-sqlite",
    command: bun,
    env: { CONNACK_TEST_STORE: "sqlite", CONNACK_TEST_ACCESS: "tokens" },
    // But for those of HTTP, or of the wire, alone, which know neither; and those which bring tokens and stores of their own.
    runs: (file) => file.startsWith("test/hardening/") && !alone.test(file) && !ownStores.test(file),
  },
  {
    name: "deno",
    command: (file, report) => [denoProgram(), "test", "-A", "--no-check", `--junit-path=${report}`, file],
    // What these start is the same there, or they are about the tests' own parts; `bun run test:cluster --deno` has the nodes run there.
    runs: (file) => !onceIsEnough.test(file),
  },
];

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function testFiles(parts: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob("test/**/*.test.ts", { cwd: root })) {
    if (parts.length === 0 || parts.some((part) => file.includes(part))) files.push(file);
  }
  return files.toSorted();
}

interface Job {
  readonly runtime: Runtime;
  readonly file: string;
}

async function runAll(jobs: readonly Job[], missing: readonly ToolName[]) {
  // Also the tests' own temporary files go there, so that those of killed tests do not stay.
  const env = {
    ...process.env,
    NO_COLOR: "1",
    TMPDIR: directory.path,
    CONNACK_TEST_MISSING: missing.join(","),
    CONNACK_TEST_DOCUMENT: join(directory.path, "openapi.json"),
  };
  const results: FileResult[] = [];
  const [patient, busy] = [true, false].map((isWaiting) =>
    [...jobs.entries()].filter(([, { file }]) => waiting.test(file) === isWaiting),
  ) as [[number, Job][], [number, Job][]];
  const work = async (take: () => [number, Job] | undefined) => {
    for (let next = take(); next; next = take()) {
      const [index, { runtime, file }] = next;
      const report = join(directory.path, `${index}.xml`);
      const result = await runTestFile(runtime, file, { report, limitMs, env });
      results.push(result);
      logResult(result);
    }
  };
  const workers = Array.from({ length: atOnce }, () => work(() => busy.shift() ?? patient.shift()));
  await Promise.all([...workers, work(() => patient.shift())]);
  return results;
}

function logResult({ runtime, file, counts, durationMs, output }: FileResult): void {
  const { passed, failed, skipped } = counts;
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const skips = skipped > 0 ? `, ${skipped} skipped` : "";
  if (failed === 0) return log(`ok   ${runtime.padEnd(10)} ${file} (${passed} passed${skips}, ${seconds})`);
  log(`\nFAIL ${runtime.padEnd(10)} ${file} (${passed} passed, ${failed} failed${skips}, ${seconds})`);
  log(`${output.trimEnd()}\n`);
}

/** Prints the summary, of which the last line is a promise: `N passed, N failed[, N skipped]`. */
function summarise(results: readonly FileResult[], missingFailures: number): number {
  log("");
  for (const { runtime, file, skips } of results) {
    for (const skip of new Set(skips)) log(`skipped on ${runtime}: ${file}: ${skip}`);
  }
  for (const { name } of runtimes) {
    const mine = results.filter(({ runtime }) => runtime === name);
    const { passed, failed, skipped } = sum(mine.map(({ counts }) => counts));
    if (mine.length > 0)
      log(`${name}: ${mine.length} files, ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  for (const { runtime, file, counts } of results) {
    if (counts.failed > 0) log(`failed on ${runtime}: ${file}`);
  }
  const total = sum([{ ...none, failed: missingFailures }, ...results.map(({ counts }) => counts)]);
  if (total.passed + total.failed === 0) log("No test has run.");
  log(
    `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
  );
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  const flags = new Set(args.filter((arg) => arg.startsWith("--")));
  const parts = args.filter((arg) => !arg.startsWith("--"));
  const known = new Set(["--skip-install", ...runtimes.map(({ name }) => `--${name}`)]);
  const unknown = [...flags].filter((flag) => !known.has(flag));
  if (unknown.length > 0)
    throw new TypeError(`Unknown: ${unknown.join(" ")}. Known: ${[...known].join(" ")}`);

  const missing = flags.has("--skip-install") ? missingTools() : installTools(log);
  const wanted = runtimes.filter(({ name }) => flags.has(`--${name}`));
  const files = await testFiles(parts);
  const jobs = (wanted.length > 0 ? wanted : runtimes).flatMap((runtime) =>
    files.filter((file) => runtime.runs?.(file) ?? true).map((file) => ({ runtime, file })),
  );
  const results = await runAll(jobs, missing);
  const strict = process.env["CI"] === "true";
  if (strict) for (const name of missing) log(`FAIL ${name} is not installed, and with CI=true it has to be`);
  return summarise(results, strict ? missing.length : 0);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killRunning();
    process.exit(1);
  });
}
process.once("exit", () => directory[Symbol.dispose]());
process.chdir(root);
process.exitCode = await main(process.argv.slice(2));
