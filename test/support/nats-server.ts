import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { NatsPorts } from "./nats-config.ts";

/** One nats-server, which can end and come back on the same ports with the same store. */
export interface NatsServer {
  readonly name: string;
  /** The client's port on 127.0.0.1; what a proxy goes in front of. */
  readonly port: number;
  readonly monitoringPort: number;
  /** With the credentials of the application's account. */
  readonly url: string;
  readonly running: boolean;
  /** Of the server itself; null while it does not run. */
  readonly pid: number | null;
  /** Everything it has logged, over all its starts. */
  log(): string;
  /** SIGKILL: it has no time for anything. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: it gives its leaderships away first. Resolves when it is gone. */
  terminate(): Promise<void>;
  /** SIGSTOP: its sockets stay, and nobody answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Resolves when it listens; whether it has caught up is what `ready()` of all of them waits for. */
  start(): Promise<void>;
}

// A test process that is killed cannot kill its servers, so a shell does: it holds the other end of our pipe
// and sees it end. The pipe is copied to 3 because a shell gives its background jobs an empty standard input.
const watchdog = `
exec 3<&0
"$1" -c "$2" 3<&- & server=$!
echo $server
(read -r _ <&3; kill -9 $server; rm -rf -- "$3") & watcher=$!
wait $server
status=$?
kill $watcher
exit $status`;

interface Running {
  readonly pid: number;
  readonly exited: Promise<unknown>;
}

export interface NatsServerOptions {
  readonly program: string;
  readonly name: string;
  readonly config: string;
  /** Removed when the test's own process dies. */
  readonly directory: string;
  readonly ports: NatsPorts;
  readonly url: string;
}

export class NatsProcess implements NatsServer {
  readonly name: string;
  readonly port: number;
  readonly monitoringPort: number;
  readonly url: string;
  readonly #options: NatsServerOptions;
  #log = "";
  #running: Running | undefined;

  constructor(options: NatsServerOptions) {
    this.#options = options;
    this.name = options.name;
    this.port = options.ports.client;
    this.monitoringPort = options.ports.monitoring;
    this.url = options.url;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  get pid(): number | null {
    return this.#running?.pid ?? null;
  }

  log(): string {
    return this.#log;
  }

  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  terminate(): Promise<void> {
    return this.#end("SIGTERM");
  }

  pause(): void {
    this.#signal("SIGSTOP");
  }

  resume(): void {
    this.#signal("SIGCONT");
  }

  async start(): Promise<void> {
    if (this.#running) return;
    const { program, config, directory } = this.#options;
    const shell = spawn("/bin/sh", ["-c", watchdog, "sh", program, config, directory], { stdio: "pipe" });
    const exited = once(shell, "exit");
    const from = this.#log.length;
    const listening = this.#printed(shell, /Listening for client connections/);
    const pid = once(shell.stdout, "data").then(([chunk]: Buffer[]) => Number(String(chunk)));
    if (!(await Promise.race([listening, exited.then(() => false)])))
      throw new Error(`Cannot start ${this.name}: ${this.#log.slice(from)}`);
    const running = { pid: await pid, exited };
    this.#running = running;
    // Also one that ends by itself is gone.
    shell.once("exit", () => {
      if (this.#running === running) this.#running = undefined;
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#signal(signal);
    // One that is paused would keep SIGTERM waiting for ever.
    this.#signal("SIGCONT");
    await running.exited;
    this.#running = undefined;
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#running) return;
    try {
      process.kill(this.#running.pid, signal);
    } catch {
      // It has ended by itself, which is what the caller wanted or will see.
    }
  }

  /** Keeps the log from now on; resolves when what is new of it matches. */
  #printed(shell: ChildProcess, pattern: RegExp): Promise<true> {
    const from = this.#log.length;
    return new Promise((resolve) => {
      shell.stderr?.on("data", (chunk: Buffer) => {
        this.#log += String(chunk);
        if (pattern.test(this.#log.slice(from))) resolve(true);
      });
    });
  }
}
