import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type Counts, countTests } from "./junit.ts";

/** How a runtime is told to run one file and to leave a JUnit report. */
export interface Runtime {
  readonly name: string;
  command(file: string, report: string): readonly [program: string, ...args: string[]];
  /** Beyond the runner's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files that it runs; all, when absent. */
  readonly runs?: (file: string) => boolean;
}

export interface FileResult {
  readonly runtime: string;
  readonly file: string;
  readonly counts: Counts;
  readonly durationMs: number;
  readonly output: string;
  /** "name: reason" of each skipped test. */
  readonly skips: readonly string[];
}

const running = new Set<number>();

/** Runs one test file in a process of its own, which is killed with its children when it takes too long. */
export async function runTestFile(
  runtime: Runtime,
  file: string,
  options: { readonly report: string; readonly limitMs: number; readonly env: NodeJS.ProcessEnv },
): Promise<FileResult> {
  const [program, ...args] = runtime.command(file, options.report);
  const start = performance.now();
  // A process group of its own, so that nothing that the test has started survives it.
  const child = spawn(program, args, {
    env: { ...options.env, ...runtime.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  let complaint = "";
  const timer = setTimeout(() => {
    complaint = `killed after ${options.limitMs / 1000} s`;
    if (pid !== undefined) killGroup(pid);
  }, options.limitMs);
  // A grandchild that is left over would hold the pipes, and "close" never come.
  child.once("exit", () => {
    if (pid !== undefined) killGroup(pid);
  });
  try {
    await once(child, "close");
    if (child.signalCode && !complaint) complaint = `ended by ${child.signalCode}`;
    if (child.exitCode !== 0 && !complaint) complaint = `ended with status ${child.exitCode}`;
  } catch (error) {
    complaint = `cannot start ${program}: ${String(error)}`;
  } finally {
    clearTimeout(timer);
    if (pid !== undefined) running.delete(pid);
  }
  const output = Buffer.concat(chunks).toString() + (complaint && `\n${complaint}\n`);
  return {
    runtime: runtime.name,
    file,
    counts: withCrash(countTests(await readFile(options.report, "utf8").catch(() => "")), complaint),
    durationMs: performance.now() - start,
    output,
    skips: [...output.matchAll(/^skip (.+: .+)$/gm)].map(([, skip = ""]) => skip),
  };
}

/** Ends every test that is still running. */
export function killRunning(): void {
  for (const pid of running) killGroup(pid);
}

/** A file that did not end well has at least one failure, also when no test could report it. */
function withCrash(counts: Counts, complaint: string): Counts {
  return complaint === "" || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}
