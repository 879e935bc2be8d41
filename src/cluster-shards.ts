import { randomBytes } from "node:crypto";
import { prepareApp } from "./app.ts";
import type { Followed } from "./access/followed.ts";
import type { ClusterStanding, NodeStanding } from "./cluster-standing.ts";
import type { Failure } from "./broker/failure.ts";
import { defaultTimes } from "./cluster/liveness.ts";
import { home } from "./cluster/front-shard.ts";
import { judgeKeys } from "./cluster/keys.ts";
import { Doorway } from "./cluster/doorway.ts";
import type { Joined } from "./cluster/join.ts";
import { answerAtHome, askHome } from "./cluster/home-desk.ts";
import { callSubject, contextOf, NodeCells } from "./cluster/node-cells.ts";
import { ClusterNode } from "./cluster/node.ts";
import type { Claim, Term } from "./cluster/term.ts";
import type { Uses } from "./cluster/uses.ts";
import { Tunnel } from "./cluster/tunnel.ts";
import { UsageGossip } from "./cluster/usage-gossip.ts";
import { systemClock } from "./clock.ts";
import type { EgressLists } from "./egress/policy.ts";
import { withFields, type Logger } from "./log.ts";
import { NodeTenants } from "./node-tenants.ts";
import { BodyTimes } from "./serve/body-times.ts";
import { SealError } from "./sealing.ts";
import { sweepMs } from "./serve/limits.ts";
import type { ServerParts } from "./server-parts.ts";
import type { Settings } from "./settings.ts";
import type { Shares } from "./shares.ts";
import type { StartingApp } from "./starting-app.ts";
import type { Following } from "./store/following.ts";
import type { Store } from "./store/store.ts";
import type { Streams } from "./stream/streams.ts";
import { Dispatcher } from "./webhooks/dispatcher.ts";
import { GoneDesk } from "./webhooks/gone-desk.ts";
import type { WebhooksRole } from "./webhooks/role.ts";
import type { Schedule } from "./webhooks/schedule.ts";

export interface NodeShardsOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** What this node is called. */
  readonly name: string;
  /** The ids of its keys. */
  readonly keys: readonly string[];
  readonly version: string;
  readonly joined: Joined;
  /** Tokens, sessions and tickets, as the owner of shard 0 has them. */
  readonly followed: Followed;
  readonly uses: Uses;
  /** What the owner of shard 0 has, as it comes. */
  readonly following: Following;
  readonly webhookSchedule?: Schedule | undefined;
  /** Of all shards together. */
  readonly shares: Shares;
  readonly parts: ServerParts;
  /** Of all answers that come from other nodes. */
  readonly streams: Pick<Streams, "add">;
  readonly egress: () => EgressLists;
  readonly listening: () => Address | null;
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Longer than it takes until another node has what a dead one had. */
const ownerWithinMs = 10_000;
/**
 * A node that has not reached the servers for so long is taken for lost by the others, and they dial with the client ids of
 * its connections. Those it keeps, for the servers may be away for all; but what the broker closes it does not dial again,
 * for that would take the client id back from its new holder.
 */
const awayFailure: Failure = {
  stage: "policy",
  code: "store-unavailable",
  detail:
    "This node has not reached the NATS servers for some seconds, and another one may have the connection",
  retryable: true,
  hint: "It is dialled when they are reached again, where it is this node's still; see /readyz.",
};
/** Calls that have come in may have so long to be answered before the shard's service stops. */
const doorwayMs = 200;
/** Nothing ends a call by itself that comes from another node. */
const unheld = { holdOpen() {} };

/** The shards that this node owns, each of them a service of its own, and the way to those of others. */
export class NodeShards implements AsyncDisposable {
  readonly cells: NodeCells;
  readonly #options: NodeShardsOptions;
  readonly #node: ClusterNode;
  readonly #tunnel: Tunnel;
  /** What each tenant has in all of the shards. */
  readonly #tenants: NodeTenants;
  readonly #usage: UsageGossip;
  readonly #dispatcher: Dispatcher;
  /** Of calls that come from other nodes, which no server of this one has bounded. */
  readonly #bodies: BodyTimes;
  readonly #apps = new Map<number, StartingApp>();
  #stopped: Promise<void> | null = null;

  constructor(options: NodeShardsOptions) {
    const { joined, name, version, logger, shares, settings, keys } = options;
    const { grounds } = joined;
    const { monotonic: now } = systemClock;
    this.#options = options;
    this.#dispatcher = new Dispatcher(settings.maxWebhookRequests);
    this.#bodies = new BodyTimes({ timeoutMs: settings.bodyTimeoutMs, sweepMs: sweepMs(settings), now });
    this.#tenants = new NodeTenants(settings, now, shares);
    this.#tunnel = new Tunnel(grounds.connection);
    this.#node = new ClusterNode({
      ...{ grounds, name, version, now, keys },
      node: `${name.replaceAll(".", "-")}-${randomBytes(4).toString("hex")}`,
      startedAt: new Date().toISOString(),
      begin: (shard, store, claim) => this.#begin(shard, store, claim),
      load: () => shares.budgets.connections.used,
      onTrouble: (what, error) => logger.error(what, { error: String(error) }),
    });
    this.#usage = new UsageGossip({
      ...{ connection: grounds.connection, name: grounds.name, node: this.#node.id, now },
      members: () => this.#node.members().map(({ node }) => node),
      onChange: (listener) => this.#node.onChange(listener),
    });
    this.#tenants.watch(this.#usage);
    this.cells = new NodeCells({
      ...{ tunnel: this.#tunnel, now, ownerWithinMs, name: grounds.name, shards: grounds.shards },
      random: Math.random,
      streams: options.streams,
      isGuarded: () => options.followed.isOn,
      members: () => this.#node.members(),
      isFresh: () => this.#node.isFresh,
      onChange: (listener) => this.#node.onChange(listener),
    });
  }

  /**
   * Joins the others; shards come soon after.
   *
   * @throws {Error} what the servers say where this node cannot make itself known; or that it cannot open what others seal
   */
  async begin(): Promise<void> {
    const { keys, logger, joined } = this.#options;
    this.#usage.begin();
    await this.#node.begin();
    const members = this.#node.members();
    // Of one that has died, the record is there for a while.
    const gone = await Promise.all(members.map(({ node }) => joined.grounds.isNobodyThere(node)));
    const { refusal, warning } = judgeKeys(
      keys,
      members.filter((_, index) => gone[index] === false),
    );
    if (refusal !== null) throw new Error(refusal);
    if (warning !== null) logger.warn(warning);
  }

  /** A service of this node, for what each of them says of all; null while it has none. */
  get any(): StartingApp | null {
    const [app = null] = this.#apps.values();
    return app;
  }

  listening(hostname: string, port: number): void {
    for (const app of this.#apps.values()) app.listening(hostname, port);
  }

  changeEgress(lists: EgressLists): number {
    return [...this.#apps.values()].reduce((sum, app) => sum + app.changeEgress(lists), 0);
  }

  standing(): ClusterStanding {
    const { joined, name } = this.#options;
    const { grounds, survives } = joined;
    const members = this.#node.members();
    const all = Array.from({ length: grounds.shards }, (_, shard) => shard);
    const shards = {
      total: grounds.shards,
      owned: all.filter((shard) => this.cells.isLocal(shard)),
      unowned: all.filter((shard) => this.#node.ownerOf(shard) === null),
    };
    const nodes = members.map(
      ({ name: called, version, startedAt, shards: has, connections, isSettled }) =>
        ({ name: called, version, startedAt, shards: has, connections, isSettled }) satisfies NodeStanding,
    );
    return {
      ...{ name: grounds.name, node: name, holdsLease: this.#node.isFresh, survives, shards },
      nodes: nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      moves: Object.fromEntries(this.#node.moves),
      calls: Object.fromEntries(this.cells.calls),
      lagMs: Math.round(this.#node.lagMs),
    };
  }

  /** Gives to others what it has, one after another, and answers meanwhile. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#tunnel[Symbol.asyncDispose]();
    this.#bodies[Symbol.dispose]();
  }

  readonly #inTime = <T>(reading: () => Promise<T>): Promise<T> => this.#bodies.within(reading, unheld);

  async #stop(): Promise<void> {
    await this.#node.stop();
    this.#usage[Symbol.dispose]();
    this.cells.stop();
  }

  #followedWebhooks(): WebhooksRole {
    const { joined, following } = this.#options;
    const { connection, name } = joined.grounds;
    return {
      ...{ kind: "followed", following },
      tellGone: async (gone) => (await askHome(connection, name, gone)) === true,
    };
  }

  /** A shard is this node's from now on. */
  async #begin(shard: number, store: Store, claim: Claim): Promise<Term> {
    const {
      settings,
      logger,
      version,
      shares,
      parts,
      followed,
      joined,
      uses,
      egress,
      listening,
      webhookSchedule,
    } = this.#options;
    const { connection, name } = joined.grounds;
    const desk = new GoneDesk();
    const { allow, deny } = egress();
    const moved =
      claim.from === null
        ? undefined
        : { from: nameOf(claim.from), to: this.#options.name, cause: claim.cause };
    const app = prepareApp(
      { ...settings, egressAllow: allow, egressDeny: deny },
      withFields(logger, { shard }),
      version,
      {
        ...{ store, shares, moved, parts, tenants: this.#tenants },
        follow: shard === home ? { heardUses: (listener) => uses.listen(listener) } : followed,
        ...{ webhookSchedule, dispatcher: this.#dispatcher },
        webhooksRole: shard === home ? { kind: "home", desk } : this.#followedWebhooks(),
        cluster: () => this.standing(),
        holdDials: () => (this.#node.lagMs < defaultTimes.suspectMs ? null : awayFailure),
      },
    );
    const address = listening();
    if (address !== null) app.listening(address.hostname, address.port);
    try {
      await app.open();
    } catch (error) {
      if (error instanceof SealError) this.#node.decline(shard);
      throw error;
    }
    this.#apps.set(shard, app);
    // They may have changed meanwhile, and it was not among those that were told.
    app.changeEgress(egress());
    const doorway = new Doorway(app.fetch);
    this.cells.enter(shard, doorway.enter);
    const serving = this.#tunnel.serve(
      callSubject(name, shard),
      (request, { caller }) => doorway.enter(request, { ...contextOf(caller), inTime: this.#inTime }),
      () => this.#node.isFresh,
    );
    const answering = shard === home ? answerAtHome(connection, name, (what) => desk.take(what)) : null;
    return {
      close: async (inHurry) => {
        answering?.[Symbol.dispose]();
        this.cells.leave(shard);
        this.#apps.delete(shard);
        // Who calls from here on waits for the next owner; those under way are answered by this one.
        void serving.stop();
        if (!inHurry) await doorway.empty(doorwayMs);
        await app.close(inHurry ? 0 : undefined);
        this.#usage.tell();
        await serving[Symbol.asyncDispose]();
      },
    };
  }
}

/** What a node is called, of what it is called in a record: that has a mark of the process behind it. */
function nameOf(node: string): string {
  return node.replace(/-[0-9a-f]{8}$/, "");
}
