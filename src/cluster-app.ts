import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { prepareApp, type ConnackApp, type RequestContext } from "./app.ts";
import { createFront, type Front } from "./cluster/front.ts";
import { joinCluster, type Joined } from "./cluster/join.ts";
import { callSubject, contextOf, NodeCells } from "./cluster/node-cells.ts";
import { ClusterNode } from "./cluster/node.ts";
import type { Claim, Term } from "./cluster/term.ts";
import { Tunnel } from "./cluster/tunnel.ts";
import { systemClock } from "./clock.ts";
import type { EgressLists } from "./egress/policy.ts";
import { withFields, type Logger } from "./log.ts";
import { ProgressBoard } from "./progress/board.ts";
import { defaultNodeName } from "./settings/cluster.ts";
import type { Settings } from "./settings.ts";
import { processShares } from "./shares.ts";
import type { StartingApp } from "./starting-app.ts";
import type { Store } from "./store/store.ts";

/** Longer than it takes until another node has what a dead one had. */
const ownerWithinMs = 10_000;

/** All that there is once the servers of NATS have been found. */
interface Running {
  readonly joined: Joined;
  readonly node: ClusterNode;
  readonly cells: NodeCells;
  readonly tunnel: Tunnel;
  readonly front: Front;
}

/** One node of several, as a service: its share of the cells is here, and calls for the others are taken to them. */
export class ClusterApp implements ConnackApp {
  readonly progress: ProgressBoard;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #version: string;
  readonly #shares;
  readonly #cells = new Map<number, StartingApp>();
  /** Answers until the servers of NATS have been found. */
  readonly #early: StartingApp;
  #listening: { readonly hostname: string; readonly port: number } | null = null;
  #egress: EgressLists;
  #running: Running | null = null;
  #closed: Promise<void> | null = null;

  constructor(settings: Settings, logger: Logger, version: string) {
    this.#settings = settings;
    this.#logger = logger;
    this.#version = version;
    this.#egress = { allow: settings.egressAllow, deny: settings.egressDeny };
    this.progress = new ProgressBoard(systemClock.monotonic);
    this.#shares = processShares(settings, systemClock.monotonic);
    this.#early = prepareApp(settings, logger, version, { shares: this.#shares });
  }

  readonly fetch = (request: Request, context?: RequestContext): Response | Promise<Response> =>
    this.#running === null ? this.#early.fetch(request, context) : this.#running.front(request, context);

  /**
   * From when it resolves, calls are taken, whoever has what they are about.
   *
   * @throws {Error} with a sentence for the operator, when NATS cannot be reached or is not safe enough
   */
  async open(): Promise<void> {
    const { clusterNode } = this.#settings;
    const name = clusterNode ?? defaultNodeName(this.#listening?.port ?? 0);
    const joined = await joinCluster(this.#settings, name, this.#logger);
    const running = this.#run(joined, name);
    this.#running = running;
    await running.node.begin();
    const { grounds, survives } = joined;
    this.#logger.info("joined the cluster", { node: name, cluster: grounds.name, shards: grounds.shards, survives });
  }

  listening(hostname: string, port: number): void {
    this.#listening = { hostname, port };
    for (const cell of this.#cells.values()) cell.listening(hostname, port);
  }

  changeEgress(lists: EgressLists): number {
    this.#egress = lists;
    return [...this.#cells.values()].reduce((sum, cell) => sum + cell.changeEgress(lists), 0);
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#early.close();
    if (this.#running === null) return;
    const { node, tunnel, cells, joined } = this.#running;
    await node.stop();
    cells.stop();
    await tunnel[Symbol.asyncDispose]();
    await joined.grounds.connection.close();
  }

  #run(joined: Joined, name: string): Running {
    const { grounds } = joined;
    const { monotonic: now } = systemClock;
    const tunnel = new Tunnel(grounds.connection);
    const node = new ClusterNode({
      ...{ grounds, name, version: this.#version, now },
      node: `${name.replaceAll(".", "-")}-${randomBytes(4).toString("hex")}`,
      startedAt: new Date().toISOString(),
      begin: (shard, store, claim) => this.#begin(shard, store, claim),
      load: () => this.#shares.budgets.connections.used,
      onTrouble: (what, error) => this.#logger.error(what, { error: String(error) }),
    });
    const cells = new NodeCells({
      ...{ tunnel, now, ownerWithinMs, name: grounds.name, shards: grounds.shards, random: Math.random },
      members: () => node.members(),
      onChange: (listener) => node.onChange(listener),
    });
    const front = createFront({
      cells,
      local: (request, context) => this.#local(request, context),
      logger: this.#logger,
      newId: () => `c_${uuidv7()}`,
      maxBodyBytes: this.#settings.maxBodyBytes,
    } as never);
    return { joined, node, cells, tunnel, front };
  }

  /** A cell of this node begins. */
  async #begin(shard: number, store: Store, claim: Claim): Promise<Term> {
    const running = this.#running;
    if (running === null) throw new Error("A node that has not joined has no cells");
    const { cells, tunnel, joined, node } = running;
    const settings = { ...this.#settings, egressAllow: this.#egress.allow, egressDeny: this.#egress.deny };
    const logger = withFields(this.#logger, { shard });
    const moved = claim.from === null ? undefined : { from: claim.from, to: node.id, cause: claim.cause };
    const cell = prepareApp(settings, logger, this.#version, { store, shares: this.#shares, moved });
    if (this.#listening !== null) cell.listening(this.#listening.hostname, this.#listening.port);
    await cell.open();
    this.#cells.set(shard, cell);
    cells.enter(shard, cell.fetch);
    const serving = tunnel.serve(callSubject(joined.grounds.name, shard), (request, { caller }) =>
      cell.fetch(request, contextOf(caller)),
    );
    return {
      close: async (inHurry) => {
        cells.leave(shard);
        this.#cells.delete(shard);
        await cell.close(inHurry ? 0 : undefined);
        await serving[Symbol.asyncDispose]();
      },
    };
  }

  #local(request: Request, context: RequestContext | undefined): Response | Promise<Response> {
    const [cell] = this.#cells.values();
    return (cell ?? this.#early).fetch(request, context);
  }
}
