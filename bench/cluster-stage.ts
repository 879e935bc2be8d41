import { setTimeout as sleep } from "node:timers/promises";
import { shardOf, shardsOfConnections } from "../src/cluster/front-shard.ts";
import type { ClusterStanding } from "../src/cluster-standing.ts";
import { startNats, type Nats } from "../test/support/nats.ts";
import type { Broker } from "./broker.ts";
import { startConnack, type Server } from "./servers.ts";

/** What a node says of itself and of the others. */
export interface Readiness {
  readonly ready: boolean;
  readonly connections: { readonly connected: number };
  /** Connections that are still to be dialled. */
  readonly restoring: number;
  readonly cluster?: ClusterStanding;
}

/** Where a connection is. */
export interface Place {
  readonly id: string;
  readonly shard: number;
  readonly node: string;
}

const names = ["one", "two", "three"] as const;
const lookMs = 25;
/** More than a start, its share and the hand-over of ten thousand connections take, also on a busy machine. */
const patienceMs = 120_000;

/** Three nodes on three servers of NATS that have each record on their disks before they say so. */
export class ClusterStage implements AsyncDisposable {
  readonly names: readonly string[] = names;
  readonly broker: Broker;
  readonly nats: Nats;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #nodes = new Map<string, Server>();

  private constructor(broker: Broker, nats: Nats, settings: Readonly<Record<string, string>>) {
    this.broker = broker;
    this.nats = nats;
    this.#settings = settings;
  }

  /** Resolves when each node has its share. */
  static async set(broker: Broker, settings: Readonly<Record<string, string>> = {}): Promise<ClusterStage> {
    const stage = new ClusterStage(broker, await startNats({ servers: 3 }), {
      CONNACK_SECRET_KEY: "00".repeat(32),
      ...settings,
    });
    try {
      await Promise.all(names.map((name) => stage.start(name)));
      await stage.settled();
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
    return stage;
  }

  get nodes(): readonly Server[] {
    return names.map((name) => this.node(name));
  }

  node(name: string): Server {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`The node ${name} does not run`);
    return node;
  }

  /** Those of the nodes by their names, and those of the servers of NATS. */
  get pids(): { readonly nodes: Record<string, number>; readonly nats: Record<string, number> } {
    return {
      nodes: Object.fromEntries([...this.#nodes].map(([name, { pid }]) => [`node ${name}`, pid])),
      nats: Object.fromEntries(this.nats.servers.map(({ name, pid }) => [`nats ${name}`, pid ?? 0])),
    };
  }

  async start(name: string): Promise<void> {
    const settings = {
      ...this.#settings,
      CONNACK_STORE: this.nats.url,
      CONNACK_CLUSTER_SYSTEM_URL: this.nats.systemUrl,
      CONNACK_CLUSTER_NODE: name,
    };
    this.#nodes.set(name, await startConnack(undefined, { settings }));
  }

  /** SIGKILL; the monotonic time at which it was sent. */
  kill(name: string): number {
    const { pid } = this.node(name);
    this.#nodes.delete(name);
    const at = performance.now();
    process.kill(pid, "SIGKILL");
    return at;
  }

  /** Resolves when all nodes agree that each has as many shards as another, and nothing is left to be dialled. */
  async settled(): Promise<void> {
    const giveUp = performance.now() + patienceMs;
    for (;;) {
      const all = await Promise.all(names.map((name) => this.look(name)));
      if (all.every(isSettled)) return;
      if (performance.now() > giveUp) throw new Error(`The nodes do not settle: ${JSON.stringify(all)}`);
      await sleep(lookMs);
    }
  }

  async look(name: string): Promise<Readiness> {
    const answer = await fetch(new URL("/readyz", this.node(name).url));
    return (await answer.json()) as Readiness;
  }

  /** The node that has a connection, of its id. */
  async owners(): Promise<(id: string) => string> {
    const owners = await this.#ownersOfShards();
    return (id) => owners.get(shardOf(id, owners.size)) ?? "";
  }

  /** Ids for so many connections of each shard, each with the node that has it; with null, for one of each node. */
  async places(perShard: number | null): Promise<readonly Place[]> {
    const owners = await this.#ownersOfShards();
    const places: Place[] = [];
    const isWanted = ({ shard, node }: Place) =>
      perShard === null
        ? !places.some((each) => each.node === node)
        : places.filter((each) => each.shard === shard).length < perShard;
    const wanted = perShard === null ? names.length : perShard * shardsOfConnections(owners.size).length;
    for (let i = 0; places.length < wanted; i += 1) {
      const id = `bench-${i}`;
      const shard = shardOf(id, owners.size);
      const place = { id, shard, node: owners.get(shard) ?? "" };
      if (isWanted(place)) places.push(place);
    }
    return places;
  }

  /** Complete once all has settled. */
  async #ownersOfShards(): Promise<ReadonlyMap<number, string>> {
    const [first = names[0]] = this.#nodes.keys();
    const { cluster } = await this.look(first);
    const nodes = cluster?.nodes ?? [];
    return new Map(nodes.flatMap(({ name, shards }) => shards.map((shard) => [shard, name] as const)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node[Symbol.asyncDispose]()));
    await this.nats[Symbol.asyncDispose]();
  }
}

function isSettled({ ready, restoring, cluster }: Readiness): boolean {
  if (!ready || restoring > 0 || cluster === undefined) return false;
  const { nodes, shards } = cluster;
  const fair = shards.total / names.length;
  return shards.owned.length === fair && nodes.filter((node) => node.shards.length === fair).length === 3;
}
