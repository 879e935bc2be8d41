import { execFile } from "node:child_process";
import { runtimeArguments } from "./program.ts";
import { runtimeProgram, thisRuntime } from "./runtimes.ts";

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `main.ts` with these arguments, and `input` to read, to its end; settings of the test's own process are not passed on. */
export function runCommand(
  args: readonly string[],
  environment: Record<string, string>,
  input = "",
): Promise<CommandResult> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("CONNACK_"));
  const env = { ...Object.fromEntries(inherited), ...environment };
  return new Promise((resolve) => {
    const child = execFile(
      runtimeProgram(thisRuntime),
      [...runtimeArguments("src/main.ts"), ...args],
      { env },
      (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}
