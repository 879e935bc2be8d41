import { spawn } from "node:child_process";
import { join } from "node:path";
import { runtimeProgram, thisRuntime, type RuntimeName } from "./runtimes.ts";

/** A child process whose output is kept; it is killed with its scope. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** All that it has written to standard output and standard error. */
  output(): string;
  /** What matches in its output, now or when it comes; rejects when it ends before. */
  printed(pattern: RegExp): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** Its exit status; null when a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** Settings of the test's own process are not passed on. */
export function startProgram(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Program {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("CONNACK_"));
  const child = spawn(command, args, {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  let over = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of [...waiting]) check();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += String(chunk);
      wake();
    });
  }
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      over = true;
      resolve(code);
      wake();
    });
  });
  return {
    // Where it could not be started, `exited` says so.
    pid: child.pid ?? 0,
    output: () => text,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(text);
          if (match === null && !over) return;
          waiting.delete(check);
          if (match === null) reject(new Error(`${command} ended without ${pattern}: ${text}`));
          else resolve(match[0]);
        };
        waiting.add(check);
        check();
      }),
    // Not child.kill(), after which one runtime takes the signal for the cause of the end, whatever the exit status.
    signal: (signal) => {
      if (child.pid !== undefined && !over) process.kill(child.pid, signal);
    },
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** How the README runs Connack on Deno. */
export const denoFlags = ["-A", "--unstable-no-legacy-abort"] as const;

/** The arguments with which a runtime, this one unless told, runs `file`, a path from the root of the repository. */
export function runtimeArguments(file: string, runtime: RuntimeName = thisRuntime): string[] {
  const path = join(import.meta.dirname, "../..", file);
  return runtime === "deno" ? ["run", ...denoFlags, "--no-check", path] : [path];
}

/** `main.ts`, as it is deployed, on a free port. */
export function startMain(
  environment: Record<string, string> = {},
  args: readonly string[] = [],
  runtime: RuntimeName = thisRuntime,
): Program {
  return startProgram(runtimeProgram(runtime), [...runtimeArguments("src/main.ts", runtime), ...args], {
    CONNACK_PORT: "0",
    CONNACK_STORE: "memory",
    ...environment,
  });
}
