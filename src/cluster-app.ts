import { v7 as uuidv7 } from "uuid";
import { createProblemAnswers } from "../routes/front-problems.ts";
import type { AppOverrides } from "./app-overrides.ts";
import { browserRules } from "./access/browsers.ts";
import { prepareApp, type ConnackApp, type RequestContext } from "./app.ts";
import { createFront, type Front } from "./cluster/front.ts";
import { joinCluster } from "./cluster/join.ts";
import { patiently } from "./cluster/patience.ts";
import { NodeShards } from "./cluster-shards.ts";
import { systemClock } from "./clock.ts";
import type { EgressLists } from "./egress/policy.ts";
import type { Logger } from "./log.ts";
import { openFollowed } from "./open-access.ts";
import { ProgressBoard } from "./progress/board.ts";
import { Uses } from "./cluster/uses.ts";
import { keyIds } from "./sealing.ts";
import { readSecretKeys } from "./secret-key-file.ts";
import { defaultNodeName } from "./settings/cluster.ts";
import type { Settings } from "./settings.ts";
import { ServerParts } from "./server-parts.ts";
import { processShares, type Shares } from "./shares.ts";
import type { StartingApp } from "./starting-app.ts";
import { Streams } from "./stream/streams.ts";
import { findVanished } from "./stream/vanished.ts";

/** What there is once the servers of NATS have been found. */
interface Running extends AsyncDisposable {
  readonly shards: NodeShards;
  readonly front: Front;
}

/** One node of several, as a service: its share of the shards is here, and calls for the others are taken to them. */
export class ClusterApp implements ConnackApp {
  readonly progress: ProgressBoard;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #version: string;
  readonly #overrides: Pick<AppOverrides, "webhookSchedule">;
  readonly #shares: Shares;
  readonly #parts = new ServerParts(systemClock.monotonic);
  /** Of answers that are made here of those of several shards. */
  readonly #streams: Streams;
  readonly #stopping = new AbortController();
  /** Answers until the servers of NATS have been found, and where this node has no shard. */
  readonly #early: StartingApp;
  #listening: { readonly hostname: string; readonly port: number } | null = null;
  #egress: EgressLists;
  #running: Running | null = null;
  #closed: Promise<void> | null = null;

  /** `overrides` are for tests. */
  constructor(
    settings: Settings,
    logger: Logger,
    version: string,
    overrides: Pick<AppOverrides, "webhookSchedule"> = {},
  ) {
    this.#overrides = overrides;
    this.#settings = settings;
    this.#logger = logger;
    this.#version = version;
    this.#egress = { allow: settings.egressAllow, deny: settings.egressDeny };
    this.progress = new ProgressBoard(systemClock.monotonic);
    this.#shares = processShares(settings, systemClock.monotonic);
    const limits = { heartbeatMs: settings.heartbeatMs, writeTimeoutMs: settings.streamWriteTimeoutMs };
    this.#streams = new Streams(limits, systemClock, findVanished);
    this.#early = prepareApp(settings, logger, version, {
      ...{ shares: this.#shares, parts: this.#parts },
      cluster: () => this.#running?.shards.standing() ?? null,
    });
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
    const [settings, logger] = [this.#settings, this.#logger];
    const name = clusterNode ?? defaultNodeName(this.#listening?.port ?? 0);
    await using opened = new AsyncDisposableStack();
    const joined = await joinCluster(settings, name, logger, this.#stopping.signal);
    const { grounds, survives } = joined;
    const { connection } = grounds;
    opened.defer(() => connection.close());
    const following = opened.use(await patiently(() => grounds.follow(), systemClock.monotonic));
    const uses = new Uses(connection, grounds.name);
    const followed = opened.use(
      await openFollowed(settings, logger, systemClock, following, async (each) => uses.tell(each)),
    );
    const shards = opened.use(
      new NodeShards({
        ...{ following, webhookSchedule: this.#overrides.webhookSchedule },
        ...{ settings, logger, name, joined, followed, uses, version: this.#version },
        ...{ shares: this.#shares, parts: this.#parts, streams: this.#streams },
        keys: await keyIds(readSecretKeys(settings)),
        egress: () => this.#egress,
        listening: () => this.#listening,
      }),
    );
    await shards.begin();
    this.#stopping.signal.throwIfAborted();
    const all = opened.move();
    this.#running = {
      ...{ shards, front: this.#frontOf(shards) },
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
    logger.info("joined the cluster", {
      node: name,
      cluster: grounds.name,
      shards: grounds.shards,
      survives,
    });
  }

  listening(hostname: string, port: number): void {
    this.#listening = { hostname, port };
    this.#running?.shards.listening(hostname, port);
  }

  changeEgress(lists: EgressLists): number {
    this.#egress = lists;
    return this.#running?.shards.changeEgress(lists) ?? 0;
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    this.#streams.beginShutdown();
    const running = this.#running;
    await running?.shards.stop();
    this.#streams.shutdown();
    await this.#early.close();
    await running?.[Symbol.asyncDispose]();
    this.#parts[Symbol.dispose]();
  }

  #frontOf(shards: NodeShards): Front {
    const { maxBodyBytes, streamWriteTimeoutMs } = this.#settings;
    return createFront({
      ...{ cells: shards.cells, maxBodyBytes, streamWriteTimeoutMs, logger: this.#logger },
      ...{ streams: this.#streams, clock: systemClock, random: Math.random },
      problemAnswer: createProblemAnswers({
        ...{ browsers: browserRules(this.#settings), clock: systemClock, logger: this.#logger },
        counters: this.#shares.counters,
      }),
      local: (request, context) => (shards.any ?? this.#early).fetch(request, context),
      newId: () => `c_${uuidv7()}`,
      bodyBytes: this.#shares.budgets.bodyBytes,
      stopping: this.#stopping.signal,
    });
  }
}
