import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { freePort } from "./free-port.ts";
import { type MosquittoOptions, writeMosquittoConfig } from "./mosquitto-config.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { isAvailable } from "./tools.ts";

export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  /** mqtt://, mqtts:// or ws://, on 127.0.0.1. */
  readonly url: string;
  /** Everything it has logged, over all its starts. */
  log(): string;
  /** Resolves when it has printed a line that matches, now or earlier. */
  logged(pattern: RegExp): Promise<void>;
  /** Signals it (SIGSTOP, SIGCONT, SIGHUP) without waiting for anything. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it and resolves when it is gone; nothing happens when it is gone already. */
  stop(signal?: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<void>;
  /** Runs it again on the same port with the same configuration and data. */
  start(): Promise<void>;
}

export function mosquittoAvailable(): boolean {
  return isAvailable("mosquitto");
}

// A test process that is killed cannot kill its broker, so a shell does: it holds the other end of our pipe
// and sees it end. The pipe is copied to 3 because a shell gives its background jobs an empty standard input.
const watchdog = `
exec 3<&0
/usr/sbin/mosquitto -c "$1" 3<&- & broker=$!
echo $broker
(read -r _ <&3; kill -9 $broker; rm -rf -- "$2") & watcher=$!
wait $broker
status=$?
kill $watcher
exit $status`;

interface Running {
  readonly shell: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<unknown>;
}

/** Runs the real mosquitto on a free loopback port until its scope ends. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const directory = temporaryDirectory();
  const port = await freePort();
  const config = writeMosquittoConfig(directory.path, port, options);
  const log = new Log();
  let running: Running | undefined;

  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (!running) return;
    const { pid, exited } = running;
    running = undefined;
    const insist = () => {
      signalProcess(pid, signal);
      // A stopped process would keep SIGTERM waiting for ever.
      signalProcess(pid, "SIGCONT");
    };
    insist();
    // 2.0.11 forgets a SIGTERM that comes between its "running" line and its main loop.
    const again = setInterval(insist, 200);
    await exited;
    clearInterval(again);
  };
  const mosquitto: Mosquitto = {
    port,
    url: `${scheme(options)}://127.0.0.1:${port}`,
    log: () => log.text,
    logged: (pattern) => log.matches(pattern),
    signal(signal) {
      if (running) signalProcess(running.pid, signal);
    },
    stop,
    async start() {
      running ??= await run(config, directory.path, log);
    },
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
      directory[Symbol.dispose]();
    },
  };
  try {
    await mosquitto.start();
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
  return mosquitto;
}

async function run(config: string, directory: string, log: Log): Promise<Running> {
  const shell = spawn("/bin/sh", ["-c", watchdog, "sh", config, directory], { stdio: "pipe" });
  const exited = once(shell, "exit");
  const from = log.text.length;
  shell.stderr.on("data", (chunk: Buffer) => log.append(chunk.toString()));
  const pid = once(shell.stdout, "data").then(([chunk]: Buffer[]) => Number(String(chunk)));
  // Mosquitto prints this after it has opened its listeners.
  const ready = log.matches(/ version \S+ running/, from).then(() => true);
  if (await Promise.race([ready, exited.then(() => false)])) return { shell, pid: await pid, exited };
  throw new Error(`Cannot start mosquitto: ${log.text.slice(from)}`);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself, which is what the caller wanted or will see.
  }
}

function scheme(options: MosquittoOptions): string {
  if (options.websockets) return options.tls ? "wss" : "ws";
  return options.tls ? "mqtts" : "mqtt";
}

class Log {
  text = "";
  readonly #waiting = new Set<() => void>();

  append(text: string): void {
    this.text += text;
    for (const check of this.#waiting) check();
  }

  matches(pattern: RegExp, from = 0): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!pattern.test(this.text.slice(from))) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
