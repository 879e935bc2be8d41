import type { RuntimeName } from "../support/runtimes.ts";
import { startMain, type Program } from "../support/program.ts";
import { readEvents, type EventReader } from "../support/event-reader.ts";
import { secretKey } from "../support/durable-app.ts";

/** An answer that came whole. */
export interface Reply {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** No call is held as long as this; one that is, hangs. */
const hangsMs = 30_000;

/** From SIGTERM to the end; the service has 10 s for what is under way. */
const graceMs = 10_000;

/** One run of `main.ts` on the store; it ends by a signal. */
export class Server {
  readonly #program: Program;
  #url = "";
  #killed = false;

  constructor(runtime: RuntimeName, file: string) {
    this.#program = startMain(
      { CONNACK_STORE: `sqlite:${file}`, CONNACK_SECRET_KEY: secretKey, CONNACK_LOG_LEVEL: "warn" },
      [],
      runtime,
    );
  }

  /** Resolves when it listens; rejects with what it has said when it ends before. */
  async listening(): Promise<void> {
    const line = await this.#program.printed(/listening on http:\S+/);
    this.#url = line.slice(line.indexOf("http:"));
  }

  /** A signal has been sent, so that calls may fail. */
  get killed(): boolean {
    return this.#killed;
  }

  /** What it has complained about. */
  get complaints(): string[] {
    return this.#program
      .output()
      .split("\n")
      .filter((line) => line.includes('"level":"error"'));
  }

  /** Kills it, and resolves when it has gone; answers that it had sent may still be read. */
  async kill(): Promise<void> {
    this.#killed = true;
    this.#program.signal("SIGKILL");
    await this.#program.exited;
  }

  /** Has it stop by itself; its exit status, null when it does not within the time it has. */
  async stop(): Promise<number | null> {
    this.#killed = true;
    this.#program.signal("SIGTERM");
    const late = setTimeout(() => this.#program.signal("SIGKILL"), graceMs);
    const status = await this.#program.exited;
    clearTimeout(late);
    return status;
  }

  /** Null when it was killed before the answer was whole. */
  async call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Reply | null> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        signal: AbortSignal.timeout(hangsMs),
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? null : JSON.parse(text) };
    } catch (error) {
      if (this.#killed) return null;
      throw new Error(`${method} ${path}: ${String(error)}`, { cause: error });
    }
  }

  /** An open stream of events; null when it was killed before there was one. */
  async stream(path: string): Promise<EventReader | null> {
    const controller = new AbortController();
    try {
      const response = await fetch(`${this.#url}${path}`, {
        signal: controller.signal,
        headers: { accept: "text/event-stream" },
      });
      return response.status === 200 ? readEvents(response, controller) : null;
    } catch (error) {
      if (this.#killed) return null;
      throw error;
    }
  }
}
