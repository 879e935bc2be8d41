import { startMain, type Program } from "../support/program.ts";
import type { Nats } from "../support/nats.ts";
import { startProxy, type Proxy } from "../support/proxy.ts";
import type { RuntimeName } from "../support/runtimes.ts";

export interface ChaosNodeOptions {
  readonly name: string;
  readonly port: number;
  readonly runtime: RuntimeName;
  readonly nats: Nats;
  /** Beyond what makes it a node of this cluster. */
  readonly environment: Readonly<Record<string, string>>;
}

/** From SIGTERM to the end; the service has 10 s for what is under way, and 2 s more. */
const endsWithinMs = 15_000;

/** One Connack process, which can end, stand still, lose NATS, and come back under its name at the same address. */
export class ChaosNode implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly #options: ChaosNodeOptions;
  /** All that reaches NATS from it. */
  readonly #links: readonly Proxy[];
  #program: Program | null = null;
  #isFrozen = false;
  #isCut = false;
  #said = "";

  static async start(options: ChaosNodeOptions): Promise<ChaosNode> {
    const links = await Promise.all(options.nats.servers.map(({ port }) => startProxy(port)));
    const node = new ChaosNode(options, links);
    await node.start();
    return node;
  }

  private constructor(options: ChaosNodeOptions, links: readonly Proxy[]) {
    this.name = options.name;
    this.url = `http://127.0.0.1:${options.port}`;
    this.#options = options;
    this.#links = links;
  }

  get isRunning(): boolean {
    return this.#program !== null;
  }

  /** Whether it can be expected to answer. */
  get isWell(): boolean {
    return this.#program !== null && !this.#isFrozen && !this.#isCut;
  }

  /** All that it has said, over all its starts. */
  get output(): string {
    return this.#said + (this.#program?.output() ?? "");
  }

  /** Resolves when it takes calls; rejects with what it has said when it ends before. */
  async start(): Promise<void> {
    const { name, port, runtime, nats, environment } = this.#options;
    const { user, password } = nats.application;
    const hosts = this.#links.map((link) => `nats://${user}:${password}@127.0.0.1:${link.port}`);
    const program = startMain(
      {
        ...environment,
        CONNACK_PORT: String(port),
        CONNACK_STORE: hosts.join(","),
        CONNACK_CLUSTER_SYSTEM_URL: nats.systemUrl,
        CONNACK_CLUSTER_NODE: name,
      },
      [],
      runtime,
    );
    this.#program = program;
    await program.printed(/listening on http:\S+/);
  }

  /** SIGKILL, whatever it is doing. */
  async kill(): Promise<void> {
    this.#program?.signal("SIGKILL");
    await this.#ended();
  }

  /** SIGTERM; its exit status, null when it does not end within the time it has. */
  async terminate(): Promise<number | null> {
    const program = this.#program;
    if (program === null) return null;
    program.signal("SIGTERM");
    const late = setTimeout(() => program.signal("SIGKILL"), endsWithinMs);
    const status = await program.exited;
    clearTimeout(late);
    await this.#ended();
    return status;
  }

  /** SIGSTOP: its sockets stay, and nobody answers. */
  freeze(): void {
    this.#isFrozen = true;
    this.#program?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#program?.signal("SIGCONT");
    this.#isFrozen = false;
  }

  /** No packet comes to it from NATS or goes from it to NATS, and nobody is told. */
  cut(): void {
    this.#isCut = true;
    for (const link of this.#links) link.freeze();
  }

  /** What was on its way arrives. */
  heal(): void {
    for (const link of this.#links) link.thaw();
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    for (const link of this.#links) await link[Symbol.asyncDispose]();
  }

  async #ended(): Promise<void> {
    const program = this.#program;
    if (program === null) return;
    await program.exited;
    this.#said += program.output();
    this.#program = null;
    this.#isFrozen = false;
  }
}
