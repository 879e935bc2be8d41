import { createServer } from "node:http";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { found, filesOf, type Canary } from "./canary.ts";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";
import { startMain, type Program } from "./program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface SceneAnswer {
  readonly status: number;
  // oxlint-disable-next-line no-explicit-any
  readonly body: any;
}

/** The real program, and all that it lets out: each thing with the place where it came out. */
export class CanaryScene implements AsyncDisposable {
  readonly outputs: (readonly [where: string, what: string | Buffer])[] = [];
  readonly #directory = temporaryDirectory();
  readonly #programs: Program[] = [];
  readonly #streams: { readonly where: string; text: string; readonly controller: AbortController }[] = [];
  readonly #headers: Readonly<Record<string, string>>;
  #url = "";

  /** `headers` are sent with every call. */
  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
  }

  /** Where the program that was started last listens. */
  get url(): string {
    return this.#url;
  }

  /** The folder of the store. */
  get data(): string {
    return join(this.#directory.path, "data");
  }

  async start(environment: Record<string, string>): Promise<Program> {
    const program = this.run(environment);
    this.#url = (await program.printed(/http:\/\/\S+/)).trim();
    return program;
  }

  /** Starts it where it may refuse to. */
  run(environment: Record<string, string>): Program {
    const program = startMain({
      CONNACK_STORE: `sqlite:${join(this.data, "connack.db")}`,
      CONNACK_LOG_LEVEL: "debug",
      ...environment,
    });
    this.#programs.push(program);
    return program;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<SceneAnswer> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...this.#headers, ...json, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    // Without the query, in which a caller may have put a secret of its own.
    this.outputs.push([
      `the answer to ${method} ${path.split("?")[0]} (${response.status})`,
      `${head}\n\n${text}`,
    ]);
    const isJson = /^application\/([a-z]+\+)?json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, body: isJson && text !== "" ? JSON.parse(text) : null };
  }

  /** Reads a stream until the scene is over. */
  async follow(path: string, headers = this.#headers): Promise<void> {
    const controller = new AbortController();
    const response = await fetch(`${this.#url}${path}`, { headers, signal: controller.signal });
    const stream = { where: `the stream ${path}`, text: "", controller };
    this.#streams.push(stream);
    const read = async () => {
      for await (const chunk of response.body ?? []) stream.text += Buffer.from(chunk).toString("latin1");
    };
    // It ends with the program, in whatever way.
    read().catch(() => {});
  }

  /** All there is to GET, with what each list leads to. */
  async readEverything(): Promise<void> {
    const ids = async (path: string): Promise<string[]> =>
      (await this.call("GET", `${path}?limit=1000`)).body.items.map(({ id }: { id: string }) => id);
    for (const path of [
      "/",
      "/healthz",
      "/readyz",
      "/version",
      "/metrics",
      "/openapi.json",
      "/docs",
      "/problems/dns-error",
    ])
      await this.call("GET", path);
    await this.call("GET", "/events?format=json&limit=1000");
    for (const id of await ids("/connections")) {
      const path = `/connections/${id}`;
      for (const rest of ["", "/events?format=json&limit=1000", "/outbox", "/subscriptions", "/messages"])
        await this.call("GET", path + rest);
    }
    for (const id of await ids("/webhooks")) {
      for (const rest of ["", "/deliveries", "/dead-letters"])
        await this.call("GET", `/webhooks/${id}${rest}`);
    }
  }

  /** What the kernel tells everybody of a process. */
  readProcess({ pid }: Program): void {
    for (const name of ["cmdline", "comm", "status"])
      this.outputs.push([`/proc/…/${name}`, readFileSync(`/proc/${pid}/${name}`)]);
  }

  readStore(when: string): void {
    for (const [name, bytes] of filesOf(this.data)) this.outputs.push([`${name} ${when}`, bytes]);
  }

  /** What came out where, of these canaries. */
  leaks(canaries: readonly Canary[], except = /^$/): string[] {
    const streams = this.#streams.map(({ where, text }) => [where, Buffer.from(text, "latin1")] as const);
    const logs = this.#programs.map(
      (program, index) => [`output of start ${index + 1}`, program.output()] as const,
    );
    return [...this.outputs, ...streams, ...logs]
      .filter(([where]) => !except.test(where))
      .flatMap(([where, what]) => found(canaries, what).map((what) => `${where}: ${what}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { controller } of this.#streams) controller.abort();
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    this.#directory[Symbol.dispose]();
  }
}

/** An HTTP server that refuses upgrades and says why by repeating all that it was sent, as some proxies do. */
export async function startParrot(): Promise<LoopbackServer & { readonly heard: string[] }> {
  const heard: string[] = [];
  const server = createServer();
  server.on("upgrade", ({ url, rawHeaders }, socket) => {
    const said = `${url}\n${rawHeaders.join("\n")}`;
    heard.push(said);
    const body = `Forbidden: ${said}`;
    socket.end(
      `HTTP/1.1 403 ${url}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Said: ${url}\r\n\r\n${body}`,
    );
  });
  return { ...(await listenOnLoopback(server)), heard };
}
