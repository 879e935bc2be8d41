import { program, startChild, type Child } from "./child.ts";

/** A server under measurement. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

const root = new URL("..", import.meta.url).pathname;

/** Connack as its users run it, from this checkout or from another one, to compare two versions. */
export async function startConnack(checkout: string = root): Promise<Server> {
  const profile = process.env["BENCH_CPU_PROFILE"];
  const flags = profile === undefined || checkout !== root ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const child = startChild([process.execPath, ...flags, "src/main.ts"], {
    cwd: checkout,
    env: { CONNACK_PORT: "0", CONNACK_LOG_LEVEL: "warn", CONNACK_STORE: "memory" },
  });
  return { ...(await listening(child)), [Symbol.asyncDispose]: stopper(child, flags.length > 0) };
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

/** A profile is written when the process ends by itself. */
function stopper(child: Child, gracefully: boolean): () => Promise<void> {
  return async () => {
    if (gracefully) {
      process.kill(child.pid, "SIGTERM");
      await child.line().catch(() => {});
    }
    await child[Symbol.asyncDispose]();
  };
}
