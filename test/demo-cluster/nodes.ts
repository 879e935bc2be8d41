import { randomBytes } from "node:crypto";
import { canListen, freePort } from "../support/free-port.ts";
import type { Nats } from "../support/nats.ts";
import { startDemoNode, type DemoNode } from "./node.ts";

const wanted = [
  ["a", 8080],
  ["b", 8081],
  ["c", 8082],
] as const;

/** A node that has ended is started again after so long, in which it can be seen what the others do. */
const againMs = 15_000;
/** From SIGTERM on: nothing is to be handed over, for all of them end. */
const endsWithinMs = 2_000;
const lookEveryMs = 200;

/** Three nodes of one cluster, each of which comes back when it has ended. */
export class DemoNodes {
  readonly #say: (line: string) => void;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #nodes = new Map<string, DemoNode>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isEnding = false;

  constructor(nats: Nats, say: (line: string) => void) {
    this.#say = say;
    this.#settings = {
      CONNACK_STORE: nats.url,
      CONNACK_CLUSTER_SYSTEM_URL: nats.systemUrl,
      CONNACK_SECRET_KEY: randomBytes(32).toString("base64"),
      CONNACK_LOG_LEVEL: "error",
    };
  }

  get all(): readonly DemoNode[] {
    return [...this.#nodes.values()];
  }

  /** Resolves when all take calls, and each has its share. */
  async start(): Promise<void> {
    await Promise.all(wanted.map(([name, port]) => this.#startAnywhere(name, port)));
    while (!this.#isEnding && !isEven(await this.#shares()))
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }

  /** Who has a shard; null where nobody says so. */
  async ownerOf(shard: number): Promise<DemoNode | null> {
    const shares = await this.#shares();
    return this.all[shares.findIndex((owned) => owned.includes(shard))] ?? null;
  }

  /** Ends all. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const node of this.all) node.signal("SIGTERM");
    const late = setTimeout(() => {
      for (const node of this.all) node.signal("SIGKILL");
    }, endsWithinMs);
    await Promise.all(this.all.map(({ ended }) => ended));
    clearTimeout(late);
  }

  async #startAnywhere(name: string, port: number): Promise<void> {
    if (!(await canListen(port))) return this.#start(name, await freePort());
    try {
      await this.#start(name, port);
    } catch (error) {
      // Somebody else was faster.
      if (this.#isEnding || (await canListen(port))) throw error;
      await this.#start(name, await freePort());
    }
    return undefined;
  }

  async #start(name: string, port: number): Promise<void> {
    // In the end NATS may go first, for Ctrl-C is told to all of them: nobody is to read that.
    const onLog = (text: string) => void (this.#isEnding || process.stderr.write(text));
    const node = await startDemoNode(name, port, this.#settings, onLog);
    this.#nodes.set(name, node);
    await node.listening;
    void node.ended.then(() => this.#startAgain(node, port));
  }

  #startAgain({ name, pid }: DemoNode, port: number): void {
    if (this.#isEnding) return;
    this.#say(`The node ${name} (${pid}) has ended. It is started again in ${againMs / 1_000} s.`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#start(name, port).then(
        () => this.#say(`The node ${name} is there again, as process ${this.#nodes.get(name)?.pid}.`),
        (error: unknown) => this.#say(String(error)),
      );
    }, againMs);
    this.#timers.add(timer);
  }

  /** The shards of each node, by what it says of itself. */
  #shares(): Promise<readonly (readonly number[])[]> {
    return Promise.all(
      this.all.map(async ({ url }) => {
        try {
          const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
          const { cluster } = (await response.json()) as {
            readonly cluster?: { readonly shards: { readonly owned: readonly number[] } };
          };
          return cluster?.shards.owned ?? [];
        } catch {
          return [];
        }
      }),
    );
  }
}

/** Whether nothing is about to change hands. */
function isEven(shares: readonly (readonly number[])[]): boolean {
  const counts = shares.map(({ length }) => length);
  return Math.min(...counts) > 0 && Math.max(...counts) - Math.min(...counts) <= 1;
}
