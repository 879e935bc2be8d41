import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A program under measurement or that measures: it reads commands and writes answers, a line of JSON each. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The next line that it prints. */
  line(): Promise<string>;
  /** Sends a command and waits for the answer to it. */
  ask<T>(command: object): Promise<T>;
}

/** Ten thousand sockets need more than most systems give; what cannot be raised this far is raised as far as it may. */
const raise = `ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"`;

/** How many file descriptors a program started here may have. */
export function fileDescriptors(): number {
  return Number(execFileSync("/bin/sh", ["-c", raise, "sh", "sh", "-c", "ulimit -n"], { encoding: "utf8" }));
}

/** Starts a program with as many file descriptors as it may have. What it says on standard error is shown. */
export function startChild(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Child {
  const child = spawn("/bin/sh", ["-c", raise, "sh", ...command], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const exited = once(child, "exit");
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  createInterface(child.stdout).on("line", (line) => {
    const next = waiting.shift();
    if (next === undefined) lines.push(line);
    else next(line);
  });
  const line = async () => {
    const early = lines.shift();
    if (early !== undefined) return early;
    const { promise, resolve } = Promise.withResolvers<string>();
    waiting.push(resolve);
    const ended = exited.then(() => Promise.reject(new Error(`${command.join(" ")} has ended`)));
    return Promise.race([promise, ended]);
  };
  const stop = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  process.once("exit", () => child.kill("SIGKILL"));
  return {
    pid: child.pid ?? 0,
    line,
    async ask<T>(order: object) {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return JSON.parse(await line()) as T;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** The other side of {@link Child.ask}: answers each command that comes in on standard input. */
export function answerCommands(answer: (command: Record<string, unknown>) => Promise<object>): void {
  createInterface(process.stdin).on("line", (line) => {
    void answer(JSON.parse(line) as Record<string, unknown>).then((result) =>
      process.stdout.write(`${JSON.stringify(result)}\n`),
    );
  });
}

/** The command for one of the programs in this directory, on the runtime that runs this. */
export function program(name: string, ...args: readonly string[]): string[] {
  return [process.execPath, `${import.meta.dirname}/${name}`, ...args];
}
