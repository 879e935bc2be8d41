import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { needs } from "./needs.ts";
import { runtimeArguments, startProgram, type Program } from "./program.ts";

/** Why system calls cannot be traced here; false where they can. */
export function cannotTrace(): string | false {
  const missing = needs("strace");
  if (missing !== false) return missing;
  const { status } = spawnSync("strace", ["-f", "-e", "trace=none", "true"], { stdio: "ignore" });
  return status === 0 ? false : "this user may not trace a process";
}

/**
 * `main.ts` on a free port with its system calls traced into a file; signals go to it, and not to strace. `options` are
 * strace's: what to trace, and what to do to the process meanwhile.
 */
export function startTraced(
  file: string,
  options: readonly string[],
  environment: Record<string, string>,
): Program {
  const args = ["-f", "-qq", "-o", file, ...options, process.execPath, ...runtimeArguments("src/main.ts")];
  const program = startProgram("strace", args, { CONNACK_PORT: "0", ...environment });
  let over = false;
  const exited = program.exited.finally(() => (over = true));
  const signal = (name: NodeJS.Signals) => {
    // The first to call anything is the first thread of the first process.
    const pid = over ? 0 : Number(/^\d+/.exec(readFileSync(file, "utf8"))?.[0]);
    if (pid > 0) process.kill(pid, name);
  };
  return {
    ...program,
    exited,
    signal,
    async [Symbol.asyncDispose]() {
      signal("SIGKILL");
      await exited;
    },
  };
}

const hex = (text: string | Buffer) =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** The end of the name of the store's log, where a call is about it. */
const walFile = `${hex("-wal")}>`;

/** The system calls of a process, by the lines of a file that strace has written with `-xx` and `-y`. */
export class Trace {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  /** The first line from `from` on at which these bytes had been read; -1 where they were not. */
  read(bytes: string | Buffer, from = 0): number {
    return this.#find(/\b(read|readv|recvfrom|recvmsg)\b/, [hex(bytes)], from);
  }

  /** The same for bytes that begin to be sent. */
  sent(bytes: string | Buffer, from = 0): number {
    return this.#find(/\b(write|writev|sendto|sendmsg)\b/, [hex(bytes)], from);
  }

  /** The same for bytes that begin to be written to the store's log. */
  logged(bytes: string | Buffer, from = 0): number {
    return this.#find(/\bp?write(64|v)?\b/, [walFile, hex(bytes)], from);
  }

  /** The first line from `from` on at which the store's log was on the disk. */
  synced(from = 0): number {
    const begun = new Set<string>();
    for (const [index, line] of this.#lines.entries()) {
      if (index < from) continue;
      const thread = line.split(" ", 1)[0] ?? "";
      if (/\bf(data)?sync\(/.test(line) && line.includes(walFile)) {
        if (line.endsWith("= 0")) return index;
        begun.add(thread);
      } else if (/<\.\.\. f(data)?sync resumed>.*= 0$/.test(line) && begun.has(thread)) return index;
    }
    return -1;
  }

  #find(call: RegExp, parts: readonly string[], from: number): number {
    return this.#lines.findIndex(
      (line, index) => index >= from && call.test(line) && parts.every((part) => line.includes(part)),
    );
  }
}

/** What {@link Trace} reads. */
export const traceOptions: readonly string[] = [
  ...["-xx", "-y", "-s", "16384"],
  ...["-e", "trace=read,readv,recvfrom,recvmsg,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync"],
];
