import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { program, startChild, type Child } from "./child.ts";

/** A server under measurement. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Header fields that every call needs, each with its line end. */
  readonly fields?: string;
}

const root = new URL("..", import.meta.url).pathname;

interface ConnackOptions {
  /** `sqlite` is a new file that goes with the server; a path, one that is there before and after. */
  readonly store?: "memory" | "sqlite" | { readonly file: string };
  readonly settings?: Readonly<Record<string, string>>;
}

/** Connack as its users run it, from this checkout or from another one, to compare two versions. */
export async function startConnack(checkout: string = root, options: ConnackOptions = {}): Promise<Server> {
  const { store = "memory", settings = {} } = options;
  const profile = process.env["BENCH_CPU_PROFILE"];
  const flags = profile === undefined || checkout !== root ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const directory = store === "sqlite" ? temporaryDirectory() : null;
  const file =
    directory === null ? (typeof store === "string" ? null : store.file) : `${directory.path}/store.db`;
  const child = startChild([process.execPath, ...flags, "src/main.ts"], {
    cwd: checkout,
    env: {
      CONNACK_PORT: "0",
      CONNACK_LOG_LEVEL: "warn",
      CONNACK_STORE: file === null ? "memory" : `sqlite:${file}`,
      ...settings,
    },
  });
  const stop = stopper(child, flags.length > 0 || typeof store === "object");
  return {
    ...(await listening(child)),
    async [Symbol.asyncDispose]() {
      await stop();
      directory?.[Symbol.dispose]();
    },
  };
}

/** The bare bridge and the bare stream of this directory. */
export async function startBare(name: "bare-bridge.ts" | "bare-stream.ts"): Promise<Server> {
  const child = startChild(program(name));
  return { ...(await listening(child)), [Symbol.asyncDispose]: stopper(child, false) };
}

async function listening(child: Child): Promise<{ url: string; pid: number }> {
  const line = await child.line();
  const url = /http:\/\/\S+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`expected an address, got: ${line}`);
  return { url, pid: child.pid };
}

/** A profile is written, and a store closed, when the process ends by itself. */
function stopper(child: Child, gracefully: boolean): () => Promise<void> {
  return async () => {
    if (gracefully) {
      process.kill(child.pid, "SIGTERM");
      await child.line().catch(() => {});
    }
    await child[Symbol.asyncDispose]();
  };
}
