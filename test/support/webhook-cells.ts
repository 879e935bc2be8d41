import { createProblemAnswers } from "../../routes/front-problems.ts";
import { browserRules } from "../../src/access/browsers.ts";
import type { AppOverrides } from "../../src/app-overrides.ts";
import { Budget } from "../../src/budget.ts";
import { systemClock } from "../../src/clock.ts";
import { createFront } from "../../src/cluster/front.ts";
import { idInShard, shardsOfConnections } from "../../src/cluster/front-shard.ts";
import { answerAtHome, askHome } from "../../src/cluster/home-desk.ts";
import { alongOf, contextOf } from "../../src/cluster/node-cells.ts";
import { openFollowed } from "../../src/open-access.ts";
import { Problem } from "../../src/problem.ts";
import { serve, type Serving } from "../../src/serve.ts";
import { parseSettings } from "../../src/settings.ts";
import { followJetstream } from "../../src/store/jetstream-follower.ts";
import { processShares } from "../../src/shares.ts";
import { Streams } from "../../src/stream/streams.ts";
import { GoneDesk, type Gone } from "../../src/webhooks/gone-desk.ts";
import type { WebhooksRole } from "../../src/webhooks/role.ts";
import { adminToken, quiet } from "./access.ts";
import { startApp, type Answer, type TestApp } from "./app.ts";
import { CheckedAnswers } from "./checked-answers.ts";
import { answerRules } from "./document-of-run.ts";
import { JetstreamPlace } from "./jetstream-place.ts";
import type { Nats } from "./nats.ts";
import { openPolicy } from "./policies.ts";
import { quick } from "./webhook-endpoint.ts";

const shards = 4;
const environment = { CONNACK_ADMIN_TOKEN: adminToken, CONNACK_SECRET_KEY: "00".repeat(32) };
export const asAdmin = { authorization: `Bearer ${adminToken}` };

interface Cell {
  readonly app: TestApp;
  end(): Promise<void>;
}

/** All cells of a cluster, each as though on a node of its own, over NATS, and the front of one of them. */
export class WebhookCells implements AsyncDisposable {
  readonly #nats: Nats;
  readonly #place: JetstreamPlace;
  readonly #overrides: AppOverrides;
  readonly #cells = new Map<number, Cell>();
  readonly #fenced: Cell[] = [];
  readonly #answers: CheckedAnswers;
  readonly #serving: Serving;
  #starts = 0;

  private constructor(nats: Nats, place: JetstreamPlace, answers: CheckedAnswers, overrides: AppOverrides) {
    this.#nats = nats;
    this.#place = place;
    this.#overrides = overrides;
    this.#answers = answers;
    const settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
    const front = createFront({
      cells: {
        shards,
        placement: () => shardsOfConnections(shards),
        isLocal: () => false,
        call: async (shard, request, context) => {
          const cell = this.#cells.get(shard);
          if (cell === undefined) throw new Problem("no-owner", { detail: "away", retryAfterSeconds: 2 });
          // As by way of a tunnel, so that nothing goes along that would not there.
          return cell.app.app.fetch(request, contextOf(JSON.stringify(alongOf(context))));
        },
      },
      local: () => new Response(),
      logger: quiet,
      newId: () => crypto.randomUUID(),
      maxBodyBytes: 1e6,
      bodyBytes: new Budget("", 1e6),
      streams: new Streams({ heartbeatMs: 15_000, writeTimeoutMs: 15_000 }, systemClock, () =>
        Promise.resolve(new Set()),
      ),
      streamWriteTimeoutMs: 15_000,
      problemAnswer: createProblemAnswers({
        ...{ browsers: browserRules(settings), clock: systemClock, logger: quiet },
        counters: processShares(settings, systemClock.monotonic).counters,
      }),
      clock: systemClock,
      random: Math.random,
      stopping: new AbortController().signal,
    });
    this.#serving = serve({ fetch: answers.of(front) }, "127.0.0.1", 0, { limits: settings });
  }

  static async make(nats: Nats, name: string, overrides: AppOverrides = {}): Promise<WebhookCells> {
    const place = await JetstreamPlace.make(nats, name);
    const answers = new CheckedAnswers(await answerRules());
    const cells = new WebhookCells(nats, place, answers, overrides);
    for (let shard = 0; shard < shards; shard += 1) await cells.start(shard);
    return cells;
  }

  /** A new owner takes the cell from another one, which does not know that it is none any more. */
  async takeOver(shard: number): Promise<void> {
    const before = this.#cells.get(shard);
    if (before !== undefined) this.#fenced.push(before);
    await this.start(shard);
  }

  /** A new owner takes the cell. */
  async start(shard: number, own: Record<string, string> = {}): Promise<void> {
    this.#starts += 1;
    await using opened = new AsyncDisposableStack();
    const store = await this.#place.store(`node${this.#starts}`, { shard });
    const connection = await this.#nats.connect();
    opened.defer(() => connection.close());
    const { name } = this.#place;
    const common = { policy: openPolicy, webhookSchedule: quick, ...this.#overrides, store };
    let role: WebhooksRole;
    let follow: AppOverrides["follow"] & {};
    if (shard === 0) {
      const desk = new GoneDesk();
      const answering = answerAtHome(connection, name, (what) => desk.take(what));
      opened.defer(async () => answering[Symbol.dispose]());
      role = { kind: "home", desk };
      follow = { heardUses: () => () => {} };
    } else {
      const following = opened.use(await followJetstream({ connection, stream: name }));
      const settings = parseSettings({ CONNACK_STORE: "memory", ...environment });
      follow = opened.use(await openFollowed(settings, quiet, systemClock, following));
      const tellGone = async (gone: Gone) => (await askHome(connection, name, gone)) === true;
      role = { kind: "followed", following, tellGone };
    }
    const app = await startApp({ ...environment, ...own }, { ...common, follow, webhooksRole: role });
    const parts = opened.move();
    this.#cells.set(shard, {
      app,
      async end() {
        await app.stop();
        await parts.disposeAsync();
      },
    });
  }

  /** Nobody has the cell. */
  async stop(shard: number): Promise<void> {
    const cell = this.#cells.get(shard);
    this.#cells.delete(shard);
    await cell?.end();
  }

  /** The cell itself, without the front. */
  cell(shard: number): TestApp {
    const cell = this.#cells.get(shard);
    if (cell === undefined) throw new Error(`Nobody has cell ${shard}`);
    return cell.app;
  }

  /** An id of a connection that belongs to the cell. */
  idIn(shard: number): string {
    return idInShard(() => `c_${crypto.randomUUID()}`, shard, shards);
  }

  /** A call to the front, as the admin unless told. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = asAdmin,
  ): Promise<Answer> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`http://127.0.0.1:${this.#serving.port}${path}`, {
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    this.#answers.assertDocumented();
    const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
    const { status, headers: answered } = response;
    return { status, headers: answered, text, body: isJson ? JSON.parse(text) : null };
  }

  /** Resolves when each cell shows the webhook so; null where it is to have gone. */
  // oxlint-disable-next-line no-explicit-any
  async heard(id: string, fits: (view: any) => boolean, of = asAdmin): Promise<void> {
    for (const { app } of this.#cells.values()) {
      let view: unknown;
      do {
        const { status, body } = await app.call("GET", `/webhooks/${id}`, undefined, of);
        view = status === 200 ? body : null;
      } while (!fits(view));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shard of [...this.#cells.keys()]) await this.stop(shard);
    for (const cell of this.#fenced) await cell.end();
    await this.#serving.stop();
    await this.#place[Symbol.asyncDispose]();
  }
}
